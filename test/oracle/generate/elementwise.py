"""Functions of one operand, element by element."""

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import mpmath as mp
import numpy as np
import scipy.special as sp

from . import exact
from .cases import BOOL, F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, Num, Raw, cotangent_for, sample, uniform

# name: (true value, NumPy or SciPy for special operands, JAX, regular interval, more points, ULP)
SMOOTH = {
    "exp": (mp.exp, np.exp, jnp.exp, (-5, 5), [88.5, 88.9, -87.5, -103, -104.5, 709.5, 710, -708.5, -745, -746], 2),
    "exp2": (lambda x: mp.power(2, x), np.exp2, jnp.exp2, (-5, 5), [127.5, 128, -126.5, -149, -150, 1023.5, 1024, -1074], 2),
    "expm1": (mp.expm1, np.expm1, jnp.expm1, (-2, 2), [88.5, 709.5, -40, 1e-10, -1e-5, 0.3], 2),
    "log": (mp.log, np.log, jnp.log, (0.1, 9), [1.0001, 0.9999, 10, 1e-30], 2),
    "log2": (lambda x: mp.log(x, 2), np.log2, jnp.log2, (0.1, 9), [8, 0.125, 1.0001, 1e-30], 2),
    "log10": (mp.log10, np.log10, jnp.log10, (0.1, 9), [1000, 1.0001, 1e-30], 2),
    "log1p": (mp.log1p, np.log1p, jnp.log1p, (-0.9, 5), [1e-10, -1e-10, -0.999, 1e-5, -0.4], 2),
    "sqrt": (mp.sqrt, np.sqrt, jnp.sqrt, (0.1, 9), [4, 3, 1e-30], 0),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), np.cbrt, jnp.cbrt, (0.1, 9), [8, -27, 1e-30], 2),
    "square": (lambda x: x * x, np.square, jnp.square, (-5, 5), [1e-22, 1e19, 1.1], 0),
    "reciprocal": (lambda x: 1 / x, np.reciprocal, jnp.reciprocal, (0.2, 5), [3, -7], 0),
    "sin": (mp.sin, np.sin, jnp.sin, (-4, 4), [1e5, 1e22, 3.1415926535, 6.28318530717, 355, 1.2345e15], 2),
    "cos": (mp.cos, np.cos, jnp.cos, (-4, 4), [1e5, 1e22, 1.57079632679, 4.71238898, 355, 1.2345e15], 2),
    "tan": (mp.tan, np.tan, jnp.tan, (-1.4, 1.4), [1e5, 1e22, 1.57079632679, 3.1415926535, 355], 2),
    "arcsin": (mp.asin, np.arcsin, jnp.arcsin, (-0.95, 0.95), [0.9999, -0.9999, 1.0001, 1e-5], 2),
    "arccos": (mp.acos, np.arccos, jnp.arccos, (-0.95, 0.95), [0.9999, -0.9999, 1.0001, 1e-5], 2),
    "arctan": (mp.atan, np.arctan, jnp.arctan, (-5, 5), [0.4375, 0.6875, 2.4375, 1e17], 2),
    "sinh": (mp.sinh, np.sinh, jnp.sinh, (-3, 3), [89, -89.3, 90, 710.2, -711, 22, 1e-4], 2),
    "cosh": (mp.cosh, np.cosh, jnp.cosh, (-3, 3), [89, -89.3, 90, 710.2, -711, 22, 1e-4], 2),
    "tanh": (mp.tanh, np.tanh, jnp.tanh, (-2, 2), [9, -9.1, 20, 1e-4, 0.55], 2),
    "arcsinh": (mp.asinh, np.arcsinh, jnp.arcsinh, (-5, 5), [1e-5, -1e-5, 1e20, 0.3], 2),
    "arccosh": (mp.acosh, np.arccosh, jnp.arccosh, (1.2, 9), [1.0001, 1e20, 3], 2),
    "arctanh": (mp.atanh, np.arctanh, jnp.arctanh, (-0.9, 0.9), [1e-5, 0.9999, -0.9999, 1.01], 2),
    "deg2rad": (lambda x: x * mp.pi / 180, np.deg2rad, jnp.deg2rad, (-400, 400), [180, 90], 2),
    "rad2deg": (lambda x: x * 180 / mp.pi, np.rad2deg, jnp.rad2deg, (-5, 5), [3.14159], 2),
    "sinc": (lambda x: mp.sincpi(x), np.sinc, jnp.sinc, (-2.4, 2.4), [1e-4, 0.3, 10.25], 2),
    "erf": (mp.erf, sp.erf, jsp.erf, (-2, 2), [0.84375, 1.25, 4, 6, -6.1, 1e-10], 2),
    "erfc": (mp.erfc, sp.erfc, jsp.erfc, (-2, 3), [9, 10.5, 26, 27.2, 1e-10, -6], 4),
    "erfinv": (mp.erfinv, sp.erfinv, jsp.erfinv, (-0.95, 0.95), [0.999, -0.99999, 1e-6], 4),
    "lgamma": (lambda x: mp.mpf(0) if x in (1, 2) else mp.loggamma(x).real, sp.gammaln, jsp.gammaln, (2.5, 9), [0.3, 3.5, 20.5, 1e5, -1.5, -3.3], None),
    "digamma": (mp.digamma, sp.digamma, jsp.digamma, (2, 9), [0.3, 0.9, 20.5, 1e5, -1.5, -3.3], None),
}

# Where NumPy's value is a pole, and where a huge argument only costs time at many bits.
POLES = {"arctanh": [1, -1], "erfinv": [1, -1], "lgamma": [-1, -2], "log1p": [-1]}
SLOW = {"lgamma": 1e6, "digamma": 1e6, "sinc": 1e10, "erfc": 1e4, "erf": 1e4}
FEW_BITS = {"lgamma": 300, "digamma": 300, "erfinv": 300}


def awkward(dtype):
    """Zeros, infinities, NaN, subnormals, the ends of the range, neighbours of one, multiples of π."""
    info = np.finfo(dtype)
    tiny, least, top, eps = float(info.tiny), float(info.smallest_subnormal), float(info.max), float(info.eps)
    points = [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, np.inf, -np.inf, np.nan, least, -least, tiny / 3, tiny, -tiny]
    points += [top, -top, eps, -eps, 1 + eps, 1 - eps / 2, np.pi / 2, np.pi, -np.pi / 4, 100, -100]
    return np.asarray(points, dtype)


def smooth(family):
    for name, (true, reference, jax_f, (lo, hi), more, ulp) in SMOOTH.items():
        bits = FEW_BITS.get(name, exact.BITS)
        for dtype in FLOATS:
            short = SHORT[dtype]
            with np.errstate(over="ignore"):
                points = np.concatenate([awkward(dtype), np.asarray(more, dtype)])
            # Points beyond the float32 range are infinite there, once is enough.
            points = points[np.isfinite(points) | (np.arange(points.size) < 27)]
            if name in SLOW:
                points = points[~(np.isfinite(points) & (np.abs(points) > SLOW[name]))]
            if name in ("lgamma", "digamma"):
                # Near the roots at 1, 2 and 1.46 a relative measure means nothing; poles below zero.
                roots = np.isin(points, [-2, -1]) | ((np.abs(points - 1) < 1e-3) & (points != 1)) | (np.abs(points - np.pi / 2) < 0.1)
                points = points[~(roots | (points == -100))]
            if name == "sinc":
                # Close to whole numbers the value is that of sin at a rounded πx: left open.
                points = points[np.isfinite(points)]
                near = np.abs(points - np.rint(points)) < 1e-4
                points = points[~(near & (np.abs(points) > 0.5))]
            poles = POLES.get(name, [])
            points = points[~np.isin(points, poles)]
            out = exact.apply(true, reference, points, bits=bits)
            check(f"{name}/{short}", out, reference, points)
            family.record(f"{name}/{short}/awkward", name, [points], out, ulp=ulp)
            if poles:
                p = np.asarray(poles, dtype)
                with np.errstate(all="ignore"):
                    family.record(f"{name}/{short}/poles", name, [p], reference(p).astype(dtype), ulp=0)

            id = f"{name}/{short}/regular"
            x = uniform(id, (3, 4), lo, hi, dtype)
            out = exact.apply(true, reference, x, bits=bits)
            ct = cotangent_for(out, id)
            slopes = exact.derivative(true, 0, x)
            products = [mp.mpf(float(c)) * s for c, s in zip(ct.ravel(), slopes)]
            gradient = np.array([exact.rounded(p, dtype) for p in products], dtype).reshape(x.shape)
            agree(id, jax_f, [x], ct, [gradient])
            family.record(id, name, [x], out, vjp=(ct, [0], [gradient]), ulp=ulp)


def check(id, ours, reference, *points):
    """NumPy's double, rounded, is close to the true value: a guard on this file."""
    with np.errstate(all="ignore"):
        theirs = np.asarray(reference(*(p.astype(F64) for p in points))).astype(ours.dtype)
    far = exact.distance(ours, theirs)
    if far > (1 if ours.dtype == F32 else 64):
        print(f"  {id}: NumPy or SciPy is {far} ULP from the true value")


def agree(id, jax_f, operands, ct, gradients):
    """JAX's derivatives equal mpmath's: a guard on both."""
    _, pullback = jax.vjp(jax_f, *(jnp.asarray(x, jnp.float64) for x in operands))
    for ours, theirs in zip(gradients, pullback(jnp.asarray(ct, jnp.float64))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6 if ours.dtype == F32 else 1e-9, err_msg=id)


# Exact in every float format: (NumPy, JAX or None where it has no derivative).
EXACT = {
    "negative": (np.negative, jnp.negative),
    "positive": (np.positive, jnp.positive),
    "abs": (np.abs, jnp.abs),
    "sign": (np.sign, jnp.sign),
    "floor": (np.floor, jnp.floor),
    "ceil": (np.ceil, jnp.ceil),
    "trunc": (np.trunc, jnp.trunc),
    "rint": (np.rint, jnp.rint),
    "round": (np.round, jnp.round),
}
TESTS = {
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isneginf": np.isneginf,
    "isposinf": np.isposinf,
    "signbit": np.signbit,
}


def piecewise(family):
    halves = [0.4, 0.6, 1.5, 2.5, -1.5, -2.5, 3.5, 0.49999997, 8388607.5, 1e10, -3.7]
    for name, (reference, jax_f) in EXACT.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            points = np.concatenate([awkward(dtype), np.asarray(halves, dtype)])
            with np.errstate(invalid="ignore"):
                family.record(f"{name}/{short}/awkward", name, [points], reference(points), ulp=0)
            id = f"{name}/{short}/regular"
            family.call(id, name, jax_f, [uniform(id, (2, 5), -4, 4, dtype)], ulp=0)
        if name != "round":
            for dtype in (I32, I8, U8):
                if name == "negative" and dtype == U8:
                    continue
                id = f"{name}/{SHORT[dtype]}"
                x = sample(id, (2, 3), dtype)
                if name in ("negative", "positive", "abs", "sign"):
                    family.record(id, name, [x], reference(x))
    for name, reference in TESTS.items():
        for dtype in FLOATS:
            points = awkward(dtype)
            family.record(f"{name}/{SHORT[dtype]}", name, [points], reference(points))
    for name in ("isnan", "isinf", "isfinite"):
        x = sample(name, (4,), I32)
        family.record(f"{name}/i32", name, [x], TESTS[name](x))
    for dtype in FLOATS:
        short = SHORT[dtype]
        x = np.asarray([1.005, 2.675, -1.25, 0.125, 1234.5678, -0.04, 17.0], dtype)
        # Decimals round half to even after scaling; ties that binary cannot hold are left out.
        y = np.asarray([1.2344, 2.6781, -1.26, 1234.5678, -0.04, 17.0], dtype)
        family.record(f"round/{short}/decimals2", "round", [y], np.round(y, 2), opts={"decimals": 2}, ulp=1)
        family.record(f"round/{short}/decimals-2", "round", [y * 10], np.round(y * 10, -2), opts={"decimals": -2}, ulp=1)
        bad = np.asarray([np.nan, np.inf, -np.inf, 1.5, -0.0], dtype)
        family.record(f"nanToNum/{short}", "nanToNum", [bad], np.nan_to_num(bad), ulp=0)
        family.record(
            f"nanToNum/{short}/values", "nanToNum", [bad], np.nan_to_num(bad, nan=7, posinf=8, neginf=-9),
            opts={"nan": 7, "posinf": 8, "neginf": -9}, ulp=0,
        )
        family.call(f"nanToNum/{short}/regular", "nanToNum", jnp.nan_to_num, [x], ulp=0)
    for dtype in (I32, U32, I8, U8, BOOL):
        info = [0, 1, 1] if dtype == BOOL else [0, 1, 5, 100, int(np.iinfo(dtype).max), int(np.iinfo(dtype).min)]
        x = np.asarray(info, dtype)
        family.record(f"bitwiseNot/{SHORT[dtype]}", "bitwiseNot", [x], np.invert(x))
        family.record(f"logicalNot/{SHORT[dtype]}", "logicalNot", [x], np.logical_not(x))
    family.record("logicalNot/f32", "logicalNot", [awkward(F32)], np.logical_not(awkward(F32)))


def shapes(family):
    """0-d, empty and odd shapes, and integer operands, which become float32."""
    for name in ("exp", "sin", "sqrt", "tanh"):
        true, reference, jax_f, _, _, ulp = SMOOTH[name]
        for shape in ((), (0,), (2, 0, 3), (1,), (1, 1, 1), (17,), (2, 1, 3)):
            id = f"{name}/f32/shape{'x'.join(map(str, shape)) or '0d'}"
            family.call(id, name, jax_f, [uniform(id, shape, 0.2, 2)], ulp=ulp)
        for dtype in (I32, U8, BOOL):
            x = np.asarray([0, 1, 1] if dtype == BOOL else [0, 1, 2, 7], dtype)
            out = exact.apply(true, reference, x.astype(F32))
            family.record(f"{name}/{SHORT[dtype]}", name, [x], out, ulp=ulp)


def singular(family):
    """Derivatives at points where the choice is ours; docs name each."""
    def at(name, args, out, grads, note, wrt=None, opts=None, fn=None):
        for dtype in FLOATS:
            tensors = [a if isinstance(a, (Num, Raw)) else np.asarray(a, dtype) for a in args]
            out_ = np.asarray(out, dtype)
            ct = cotangent_for(out_, f"singular/{name}")
            with np.errstate(invalid="ignore"):
                scaled = [np.asarray([g * c if g else 0.0 for g, c in zip(gs, ct)], dtype) for gs in grads]
            where = wrt or [i for i, a in enumerate(args) if not isinstance(a, (Num, Raw))]
            family.record(f"singular/{name}/{SHORT[dtype]}", fn or name.split("/")[0], tensors, out_,
                          vjp=(ct, where, scaled), note=note, ulp=2, opts=opts)

    inf = np.inf
    at("abs", [[0, -0.0, 2, -3]], [0, 0, 2, 3], [[0, 0, 1, -1]], "abs'(0) = 0")
    at("sign", [[0, 2, -3]], [0, 1, -1], [[0, 0, 0]], "sign' = 0")
    at("floor", [[0, 1, -2.5]], [0, 1, -3], [[0, 0, 0]], "floor' = 0")
    at("ceil", [[0, 1, -2.5]], [0, 1, -2], [[0, 0, 0]], "ceil' = 0")
    at("trunc", [[0, 1, -2.5]], [0, 1, -2], [[0, 0, 0]], "trunc' = 0")
    at("rint", [[0, 0.5, 1.5]], [0, 0, 2], [[0, 0, 0]], "rint' = 0")
    at("round", [[0, 0.5, 1.5]], [0, 0, 2], [[0, 0, 0]], "round' = 0")
    at("sqrt", [[0, 4]], [0, 2], [[inf, 0.25]], "sqrt'(0) = inf")
    at("square", [[0, -3]], [0, 9], [[0, -6]], "square'(0) = 0")
    at("power", [[0, -3], Num(2)], [0, 9], [[0, -6]], "x**2 at 0 has slope 0")
    at("power/one", [[0, -3], Num(1)], [0, -3], [[1, 1]], "x**1 has slope 1, also at 0")
    at("power/zero", [[0, -3], Num(0)], [1, 1], [[0, 0]], "x**0 has slope 0, also at 0")
    at("power/cube", [[0, -3, 2], Num(3)], [0, -27, 8], [[0, 27, 12]], "x**3 at 0 has slope 0")
    at("relu", [[0, 2, -2]], [0, 2, 0], [[0, 1, 0]], "relu'(0) = 0")
    at("maximum", [[1, 2, 0], [1, 3, -1]], [1, 3, 0], [[0.5, 0, 1], [0.5, 1, 0]], "a tie shares the cotangent")
    at("minimum", [[1, 2, 0], [1, 3, -1]], [1, 2, -1], [[0.5, 1, 0], [0.5, 0, 1]], "a tie shares the cotangent")
    at("sinc", [[0]], [1], [[0]], "sinc'(0) = 0")
    at("expm1", [[0, -0.0]], [0, -0.0], [[1, 1]], "slope 1 at 0")
    at("log1p", [[0, -0.0]], [0, -0.0], [[1, 1]], "slope 1 at 0")
    at("tanh", [[0, 400, -400]], [0, 1, -1], [[1, 0, 0]], "no NaN far out")
    at("sigmoid", [[0, 800, -800]], [0.5, 1, 0], [[0.25, 0, 0]], "no NaN far out")
    at("softplus", [[800, -800]], [800, 0], [[1, 0]], "no NaN far out")
    at("logaddexp", [[800, -800], [0, 0]], [800, 0], [[1, 0], [0, 1]], "no NaN far out")
    at("xlogy", [[0, 0], [2, 0.5]], [0, 0], [[np.log(2), np.log(0.5)], [0, 0]], "0·log y has slope 0 in y")
    at("cosh", [[0]], [1], [[0]], "slope 0 at 0")


def build():
    family = Family("elementwise")
    smooth(family)
    piecewise(family)
    shapes(family)
    singular(family)
    return family
