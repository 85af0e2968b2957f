"""Records oracle cases and writes them as JSON, one case a line.

Float32 cases are evaluated by JAX in float64 on the same float32 inputs and rounded
once at the end, so the stored value is the true one and not that of one float32 kernel.
"""

import json
import math
import zlib

import jax
import jax.numpy as jnp
import numpy as np

F32, F64 = np.dtype("float32"), np.dtype("float64")
I32, U32, I8, U8, BOOL = (np.dtype(d) for d in ("int32", "uint32", "int8", "uint8", "bool"))
FLOATS = (F32, F64)
SHORT = {F32: "f32", F64: "f64", I32: "i32", U32: "u32", I8: "i8", U8: "u8", BOOL: "bool"}

# ── arguments ──────────────────────────────────────────────────────────────────────────


class Num:
    """A plain JS number operand (weakly typed)."""

    def __init__(self, value):
        self.value = value


class Raw:
    """Anything that is not a tensor: an axis list, a shape, an einsum string."""

    def __init__(self, value):
        self.value = value


def generator(seed):
    """A generator that depends on the text only, so that new cases change no old ones."""
    return np.random.default_rng(zlib.crc32(seed.encode()))


def normal(seed, shape, dtype=F32, scale=1.0):
    """Normal values of three decimals: short to print, no ties by design of the seed."""
    return np.asarray(np.round(generator(seed).normal(size=shape) * scale, 3), dtype)


def uniform(seed, shape, lo, hi, dtype=F32):
    return np.asarray(np.round(generator(seed).uniform(lo, hi, size=shape), 3), dtype)


def distinct(seed, shape, dtype=F32):
    """A permutation of evenly spaced values: no ties, so that order is unambiguous."""
    n = math.prod(shape)
    return ((generator(seed).permutation(n) - n // 2) * 0.75).reshape(shape).astype(dtype)


def integers(seed, shape, lo, hi, dtype=I32):
    return np.asarray(generator(seed).integers(lo, hi, size=shape), dtype)


def sample(seed, shape, dtype):
    """Values fit for any dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return normal(seed, shape, dtype)
    if dtype == BOOL:
        return integers(seed, shape, 0, 2, BOOL)
    return integers(seed, shape, 0 if dtype.kind == "u" else -9, 10, dtype)


# ── values as JSON ─────────────────────────────────────────────────────────────────────


def number(x):
    """A JSON number, or a string for what JSON lacks."""
    if isinstance(x, (bool, np.bool_)):
        return int(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "-0" if math.copysign(1, x) < 0 else 0
    short = float(str(x)) if isinstance(x, np.float32) else float(x)
    assert not isinstance(x, np.float32) or np.float32(short) == x
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def value(array):
    array = np.asarray(array)
    assert array.dtype in SHORT, array.dtype
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": [number(x) for x in array.ravel()],
    }


def encode(arg):
    if isinstance(arg, Num):
        return {"num": number(arg.value)}
    if isinstance(arg, Raw):
        return {"raw": arg.value}
    if isinstance(arg, (list, tuple)):
        return {"list": [encode(a) for a in arg]}
    return value(arg)


# ── evaluation ─────────────────────────────────────────────────────────────────────────


def leaves(arg):
    """The tensors of an argument."""
    if isinstance(arg, (Num, Raw)):
        return []
    if isinstance(arg, (list, tuple)):
        return [a for item in arg for a in leaves(item)]
    return [np.asarray(arg)]


def wide(arg):
    """The argument as JAX sees it: float32 widened to float64."""
    if isinstance(arg, (Num, Raw)):
        return arg.value
    if isinstance(arg, (list, tuple)):
        return [wide(a) for a in arg]
    array = np.asarray(arg)
    return jnp.asarray(array.astype(F64) if array.dtype == F32 else array)


def working(args):
    """The float dtype of the results."""
    return F64 if any(a.dtype == F64 for a in leaves(args)) else F32


def narrow(array, floating):
    """The library's dtype for a result that JAX computed with 64 bits."""
    array = np.asarray(array)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(floating)
    wanted = {"int64": I32, "int16": I32, "uint64": U32, "uint16": I32}
    return array.astype(wanted.get(array.dtype.name, array.dtype))


def is_float(arg):
    found = leaves(arg)
    return bool(found) and all(a.dtype.kind == "f" for a in found)


def cotangent_for(out, seed):
    # Nonzero, so that 0·inf never hides a derivative.
    bits = generator(seed + "/cotangent")
    size = bits.integers(2, 17, size=out.shape) * bits.choice([-1, 1], size=out.shape)
    return np.asarray(size / 8, out.dtype)


def like(arg, grads):
    """Takes gradients off an iterator in the structure of an argument."""
    if isinstance(arg, (list, tuple)):
        return [like(a, grads) for a in arg]
    return np.asarray(next(grads)).astype(np.asarray(arg).dtype)


class Family:
    """The cases of one file."""

    def __init__(self, name):
        self.name, self.cases, self.ids = name, [], set()

    def record(self, id, fn, args, out, *, opts=None, vjp=None, ulp=None, note=None):
        """Stores a case whose results are known."""
        assert id not in self.ids, f"two cases named {id}"
        self.ids.add(id)
        case = {"id": id, "fn": fn, "args": [encode(a) for a in args]}
        if opts:
            case["opts"] = opts
        case["out"] = [value(o) for o in out] if isinstance(out, (list, tuple)) else value(out)
        if vjp:
            ct, wrt, grads = vjp
            case["vjp"] = {
                "cotangent": [value(c) for c in ct] if isinstance(ct, list) else value(ct),
                "wrt": wrt,
                "grads": [encode(g) for g in grads],
            }
        if ulp is not None:
            case["ulp"] = ulp
        if note:
            case["note"] = note
        self.cases.append(case)

    def call(self, id, fn, f, args, *, opts=None, grad=True, dtype=None, ulp=None, note=None):
        """Stores a case computed by the JAX function `f`, with its vjp where it has one."""
        floating = working(args)
        raw = f(*[wide(a) for a in args])
        many = isinstance(raw, (list, tuple))
        out = [narrow(o, floating) for o in (raw if many else [raw])]
        if dtype is not None:
            out = [o.astype(dtype) for o in out]
        wrt = [i for i, a in enumerate(args) if is_float(a)]
        vjp = None
        if grad and wrt and all(o.dtype.kind == "f" for o in out):
            vjp = self.pull(id, f, args, wrt, out, many)
        self.record(id, fn, args, out if many else out[0], opts=opts, vjp=vjp, ulp=ulp, note=note)

    def pull(self, id, f, args, wrt, out, many):
        def g(*chosen):
            full = [wide(a) for a in args]
            for i, c in zip(wrt, chosen):
                full[i] = c
            result = f(*full)
            return list(result) if many else result

        cts = [cotangent_for(o, f"{id}/{k}") for k, o in enumerate(out)]
        up = [jnp.asarray(c, jnp.float64) for c in cts]
        _, pullback = jax.vjp(g, *[wide(args[i]) for i in wrt])
        flat = iter(jax.tree.leaves(pullback(up if many else up[0])))
        grads = [like(args[i], flat) for i in wrt]
        for leaf in (a for item in grads for a in leaves(item)):
            assert np.isfinite(leaf).all(), f"{id}: a gradient is not finite"
        return cts if many else cts[0], wrt, grads

    def write(self, folder):
        lines = [json.dumps(c, separators=(",", ":"), allow_nan=False) for c in self.cases]
        path = folder / f"{self.name}.json"
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
        return len(lines), path.stat().st_size
