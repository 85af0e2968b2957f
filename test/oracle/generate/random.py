"""Threefry streams, as JAX makes them by default (partitionable), with explicit keys.

Float32 comes from JAX without 64 bits, which is its default; float64 from JAX with them.
Values are JAX's own, in the dtype: bits, uniforms and integers agree exactly. The others are
functions of a uniform draw, which XLA computes to a few ULP, or to hundreds where it is steep:
`ulp` says how far JAX is from the true value, plus two.
"""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
from jax import random
from jax.scipy.special import erf

from . import exact
from .cases import F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, Num, Raw, narrow, normal

SEEDS = [0, 1, 42, 2**31 - 1, 2**32 - 1]
SHAPES = [[], [1], [5], [2, 3], [0], [17]]


class native:
    """JAX in the configuration of a dtype."""

    def __init__(self, dtype):
        self.config = jax.enable_x64(np.dtype(dtype) == F64)

    def __enter__(self):
        self.config.__enter__()

    def __exit__(self, *what):
        self.config.__exit__(*what)


def key(seed):
    return random.PRNGKey(np.uint32(seed))


def keys(family):
    with native(F32):
        for seed in [*SEEDS, 123456789]:
            family.record(f"key/{seed}", "random.key", [Num(seed)], np.asarray(key(seed)))
            for n in (1, 2, 3, 5):
                family.record(f"split/{seed}/{n}", "random.split", [Num(seed), Raw(n)], np.asarray(random.split(key(seed), n)))
            for data in (0, 1, 7, 2**31, 2**32 - 1):
                family.record(f"foldIn/{seed}/{data}", "random.foldIn", [Num(seed), Num(data)], np.asarray(random.fold_in(key(seed), np.uint32(data))))
        family.record("split/42/shape", "random.split", [Num(42), Raw([2, 2])], np.asarray(random.split(key(42), (2, 2))))
        for seed in SEEDS:
            for shape in SHAPES:
                label = "x".join(map(str, shape)) or "0d"
                family.record(f"bits/{seed}/u32/{label}", "random.bits", [Num(seed), Raw(shape)], np.asarray(random.bits(key(seed), tuple(shape), "uint32")), opts={"dtype": "uint32"})
            family.record(f"bits/{seed}/u8", "random.bits", [Num(seed), Raw([7])], np.asarray(random.bits(key(seed), (7,), "uint8")), opts={"dtype": "uint8"})


# label: (function, JAX on (key, shape, dtype), options)
DRAWS = {
    "uniform": ("uniform", lambda k, s, d: random.uniform(k, s, d), {}),
    "uniform-range": ("uniform", lambda k, s, d: random.uniform(k, s, d, minval=-2, maxval=5), {"minval": -2, "maxval": 5}),
    "normal": ("normal", random.normal, {}),
    "gumbel": ("gumbel", random.gumbel, {}),
    "exponential": ("exponential", random.exponential, {}),
    "laplace": ("laplace", random.laplace, {}),
    "logistic": ("logistic", random.logistic, {}),
    "cauchy": ("cauchy", random.cauchy, {}),
    "truncatedNormal": ("truncatedNormal", lambda k, s, d: random.truncated_normal(k, -2, 2, s, d), {"lower": -2, "upper": 2}),
    "truncatedNormal-right": ("truncatedNormal", lambda k, s, d: random.truncated_normal(k, 0.5, 3, s, d), {"lower": 0.5, "upper": 3}),
    "rademacher": ("rademacher", random.rademacher, {}),
}


SQRT2 = {d: np.sqrt(np.asarray(2, d)) for d in FLOATS}


def truncation(lower, upper):
    return lambda info: tuple(np.asarray(erf(jnp.asarray(x, info.dtype) / SQRT2[info.dtype])) for x in (lower, upper))


# label: (ends of the uniform that JAX draws, the function of it that defines the distribution)
DEFINITIONS = {
    "normal": (lambda info: (-1 + info.epsneg, 1), lambda u: mp.sqrt(2) * mp.erfinv(u)),
    "gumbel": (lambda info: (info.tiny, 1), lambda u: -mp.log(-mp.log(u))),
    "exponential": (lambda info: (0, 1), lambda u: -mp.log1p(-u)),
    "laplace": (lambda info: (-1 + info.epsneg, 1), lambda u: mp.sign(u) * mp.log1p(-abs(u))),
    "logistic": (lambda info: (info.tiny, 1), lambda u: mp.log(u) - mp.log1p(-u)),
    "cauchy": (lambda info: (info.eps, 1), lambda u: mp.tan(mp.pi * (u - mp.mpf(1) / 2))),
    "truncatedNormal": (truncation(-2, 2), lambda u: mp.sqrt(2) * mp.erfinv(u)),
    "truncatedNormal-right": (truncation(0.5, 3), lambda u: mp.sqrt(2) * mp.erfinv(u)),
}


def tolerance(label, seed, out):
    """Two more ULP than JAX itself is away from the true function of its uniform draw."""
    if label not in DEFINITIONS:
        return 2 if label == "uniform-range" else 0
    ends, true = DEFINITIONS[label]
    lo, hi = (np.asarray(end, out.dtype) for end in ends(np.finfo(out.dtype)))
    u = np.asarray(random.uniform(key(seed), out.shape, out.dtype.name, lo, hi))
    with mp.workprec(160):
        exactly = np.array([exact.rounded(true(mp.mpf(float(x))), out.dtype) for x in u.ravel()], out.dtype)
    return 2 + exact.distance(out.ravel(), exactly)


def draws(family):
    for label, (fn, f, opts) in DRAWS.items():
        for dtype in FLOATS:
            with native(dtype):
                for seed, shape in [(0, [5]), (42, [2, 3]), (42, []), (1, [17]), (2**32 - 1, [4]), (7, [0])]:
                    out = np.asarray(f(key(seed), tuple(shape), dtype.name))
                    assert out.dtype == dtype
                    id = f"{label}/{SHORT[dtype]}/{seed}/{'x'.join(map(str, shape)) or '0d'}"
                    family.record(id, f"random.{fn}", [Num(seed), Raw(shape)], out, opts={**opts, "dtype": dtype.name}, ulp=tolerance(label, seed, out))
    with native(F32):
        for dtype in (I32, U32, I8, U8):
            for lo, hi in [(0, 10), (0, 1), (0, 64), (3, 100), (5, 5)] + ([(-5, 5), (-100, 100)] if dtype.kind == "i" else []) + ([(0, 2**31 - 1), (0, 1000003)] if dtype.itemsize == 4 else []):
                for seed in (0, 42):
                    out = np.asarray(random.randint(key(seed), (6,), lo, hi, dtype.name))
                    family.record(f"randint/{SHORT[dtype]}/{lo}-{hi}/{seed}", "random.randint", [Num(seed), Raw([6])], out, opts={"minval": lo, "maxval": hi, "dtype": dtype.name})
        out = np.asarray(random.randint(key(3), (4,), -(2**31), 2**31 - 1, "int32"))
        family.record("randint/i32/full", "random.randint", [Num(3), Raw([4])], out, opts={"minval": -(2**31), "maxval": 2**31 - 1, "dtype": "int32"})


def choices(family):
    with native(F32):
        for seed in (0, 42, 7):
            for n in (1, 2, 5, 10, 33):
                family.record(f"permutation/{seed}/{n}", "random.permutation", [Num(seed), Num(n)], np.asarray(random.permutation(key(seed), n)))
            x = normal("perm", (4, 2))
            family.record(f"permutation/{seed}/rows", "random.permutation", [Num(seed), x], np.asarray(random.permutation(key(seed), x)), note="whole rows move")
            family.record(f"permutation/{seed}/axis1", "random.permutation", [Num(seed), x], np.asarray(random.permutation(key(seed), x, axis=1)), opts={"axis": 1})
            family.record(f"permutation/{seed}/independent", "random.permutation", [Num(seed), x], np.asarray(random.permutation(key(seed), x, independent=True)), opts={"independent": True})
            for p in (0.5, 0.1, 0, 1):
                family.record(f"bernoulli/{seed}/{p}", "random.bernoulli", [Num(seed), Raw([12])], np.asarray(random.bernoulli(key(seed), float(p), (12,))), opts={"p": p})
            for shape in ([], [6], [2, 3]):
                label = "x".join(map(str, shape)) or "0d"
                family.record(f"choice/{seed}/{label}", "random.choice", [Num(seed), Num(9), Raw(shape)], np.asarray(random.choice(key(seed), 9, tuple(shape))))
                family.record(f"choice/{seed}/{label}/unique", "random.choice", [Num(seed), Num(9), Raw(shape)], np.asarray(random.choice(key(seed), 9, tuple(shape), replace=False)), opts={"replace": False})
                p = [0.5, 0.25, 0.125, 0.125]
                family.record(f"choice/{seed}/{label}/p", "random.choice", [Num(seed), Num(4), Raw(shape)], np.asarray(random.choice(key(seed), 4, tuple(shape), p=jnp.asarray(p))), opts={"p": p})
            family.record(f"choice/{seed}/p-unique", "random.choice", [Num(seed), Num(4), Raw([3])], np.asarray(random.choice(key(seed), 4, (3,), replace=False, p=jnp.asarray(p))), opts={"p": p, "replace": False})
            v = normal("choice", (5,))
            family.record(f"choice/{seed}/values", "random.choice", [Num(seed), v, Raw([4])], np.asarray(random.choice(key(seed), v, (4,))))
            logits = normal("cat", (3, 4))
            family.record(f"categorical/{seed}", "random.categorical", [Num(seed), logits], np.asarray(random.categorical(key(seed), logits)))
            family.record(f"categorical/{seed}/axis0", "random.categorical", [Num(seed), logits], np.asarray(random.categorical(key(seed), logits, axis=0)), opts={"axis": 0})
            family.record(f"categorical/{seed}/shape", "random.categorical", [Num(seed), logits], np.asarray(random.categorical(key(seed), logits, shape=(2, 3))), opts={"shape": [2, 3]})
            masked = np.asarray([-np.inf, 0, -np.inf], F32)
            family.record(f"categorical/{seed}/masked", "random.categorical", [Num(seed), masked], np.asarray(random.categorical(key(seed), masked)))
    with native(F64):
        for seed in (0, 42):
            family.record(f"bernoulli/f64/{seed}", "random.bernoulli", [Num(seed), np.asarray([0.1, 0.5, 0.9], F64)], np.asarray(random.bernoulli(key(seed), np.asarray([0.1, 0.5, 0.9]))),
                          note="second operand: p as a tensor, whose shape is drawn")
            logits = normal("cat64", (2, 4), F64)
            family.record(f"categorical/f64/{seed}", "random.categorical", [Num(seed), logits], narrow(random.categorical(key(seed), logits), F64))


def chains(family):
    """Key trees: a drawn value after splits and folds, with a key as operand."""
    with native(F32):
        for seed in (0, 42):
            a, b = random.split(key(seed))
            c = random.fold_in(b, 5)
            for label, k in {"first": a, "second": b, "folded": c}.items():
                family.record(f"chain/{seed}/{label}/bits", "random.bits", [np.asarray(k), Raw([4])], np.asarray(random.bits(k, (4,), "uint32")), opts={"dtype": "uint32"}, note="first operand: the key itself")
                family.record(f"chain/{seed}/{label}/normal", "random.normal", [np.asarray(k), Raw([4])], np.asarray(random.normal(k, (4,), "float32")), opts={"dtype": "float32"}, note="first operand: the key itself")
                family.record(f"chain/{seed}/{label}/split", "random.split", [np.asarray(k), Raw(3)], np.asarray(random.split(k, 3)), note="first operand: the key itself")


def build():
    assert jax.config.jax_threefry_partitionable
    family = Family("random")
    keys(family)
    draws(family)
    choices(family)
    chains(family)
    return family
