"""The dtype of a result, for every pair of dtypes and for JS numbers as operands.

The rules are the library's, written out here; JAX without 64 bits is asked wherever float64
is not involved, and must agree except where a 16- or 64-bit integer would be needed.
"""

import jax
import jax.numpy as jnp
import numpy as np

from .cases import BOOL, F32, F64, I8, I32, SHORT, U8, U32, Family, Num, Raw

DTYPES = (F32, F64, I32, U32, I8, U8, BOOL)
DIFFERENT = {frozenset((I8, U8)): "JAX says int16: there is none here"}


def promoted(a, b):
    if a == b:
        return a
    for winner in (F64, F32):
        if winner in (a, b):
            return winner
    if a == BOOL or b == BOOL:
        return b if a == BOOL else a
    if {a, b} == {U8, U32}:
        return U32
    return I32


def weak(dtype, number):
    """A whole number is a weak int, a fraction a weak float."""
    if dtype.kind == "f":
        return dtype
    if isinstance(number, float) and not number.is_integer():
        return F32
    return I32 if dtype == BOOL else dtype


def inexact(dtype):
    return dtype if dtype.kind == "f" else F32


def confirm(f, dtypes, expected, note, numbers=()):
    """JAX without 64 bits gives the same dtype, unless the note says why not."""
    if F64 in dtypes or note:
        return
    with jax.enable_x64(False):
        got = f(*[jnp.ones(2, d) for d in dtypes], *numbers).dtype
    assert np.dtype(got) == expected, (f, dtypes, got, expected)


# fn: (NumPy on operands already of the result's dtype, JAX, the result's dtype from the promoted one)
PAIRS = {
    "add": (np.add, jnp.add, lambda d: d),
    "multiply": (np.multiply, jnp.multiply, lambda d: d),
    "subtract": (np.subtract, jnp.subtract, lambda d: d),
    "maximum": (np.maximum, jnp.maximum, lambda d: d),
    "divide": (np.divide, jnp.divide, inexact),
    "floorDivide": (np.floor_divide, jnp.floor_divide, lambda d: d),
    "power": (np.power, jnp.power, lambda d: d),
    "arctan2": (np.arctan2, jnp.arctan2, inexact),
    "less": (np.less, jnp.less, lambda d: BOOL),
}
NOT_BOOL = {"subtract", "floorDivide", "power"}


def operands(dtype, seed):
    values = {0: [1, 0], 1: [1, 1]}[seed] if dtype == BOOL else ([3, 5] if seed == 0 else [2, 1])
    return np.asarray(values, dtype)


def build():
    family = Family("promotion")
    for fn, (reference, jax_f, rule) in PAIRS.items():
        for a in DTYPES:
            for b in DTYPES:
                if fn in NOT_BOOL and a == b == BOOL:
                    continue
                common, x, y = promoted(a, b), operands(a, 0), operands(b, 1)
                inner = inexact(common) if fn in ("divide", "arctan2") else common
                out, note = rule(common), DIFFERENT.get(frozenset((a, b)))
                confirm(jax_f, (a, b), out, note if fn not in ("divide", "less", "arctan2") else None)
                result = reference(x.astype(inner), y.astype(inner))
                family.record(f"{fn}/{SHORT[a]}-{SHORT[b]}", fn, [x, y], result.astype(out), note=note)
    for fn in ("add", "multiply", "subtract", "divide", "maximum", "power", "less"):
        reference, jax_f, rule = PAIRS[fn]
        for dtype in DTYPES:
            for number in (2, 0.5, 1) if fn != "power" else (2, 0.5):
                if fn == "power" and dtype == BOOL:
                    continue
                common, x = weak(dtype, number), operands(dtype, 0)
                inner = inexact(common) if fn == "divide" else common
                out = rule(common)
                confirm(jax_f, (dtype,), out, None, (number,))
                small = np.asarray(number, inner)
                family.record(f"{fn}/{SHORT[dtype]}-number{number}", fn, [x, Num(number)], reference(x.astype(inner), small).astype(out))
                if fn in ("add", "multiply", "divide"):
                    y = operands(dtype, 1)
                    family.record(f"{fn}/number{number}-{SHORT[dtype]}", fn, [Num(number), y], reference(small, y.astype(inner)).astype(out))
    others(family)
    return family


def others(family):
    for a in DTYPES:
        for b in DTYPES:
            common, x, y = promoted(a, b), operands(a, 0), operands(b, 1)
            note = DIFFERENT.get(frozenset((a, b)))
            confirm(lambda x, y: jnp.where(np.asarray([True, False]), x, y), (a, b), common, note)
            family.record(f"where/{SHORT[a]}-{SHORT[b]}", "where", [np.asarray([1, 0], BOOL), x, y], np.asarray([x[0], y[1]]).astype(common), note=note)
            confirm(lambda x, y: jnp.concatenate([x, y]), (a, b), common, note)
            family.record(f"concatenate/{SHORT[a]}-{SHORT[b]}", "concatenate", [[x, y]], np.concatenate([x.astype(common), y.astype(common)]), opts={"axis": 0}, note=note)
            if BOOL not in (a, b):
                confirm(jnp.matmul, (a, b), common, note)
                family.record(f"matmul/{SHORT[a]}-{SHORT[b]}", "matmul", [x, y], np.asarray(np.matmul(x.astype(common), y.astype(common)), common), note=note)
    for dtype in DTYPES:
        x, short = operands(dtype, 0), SHORT[dtype]
        for fn in ("exp", "sqrt", "sin", "log1p"):
            confirm(getattr(jnp, fn), (dtype,), inexact(dtype), None)
            family.record(f"{fn}/{short}", fn, [x], getattr(np, fn)(x.astype(F64)).astype(inexact(dtype)), ulp=2)
        total = dtype if dtype.kind == "f" or dtype == U32 else I32
        for fn in ("sum", "prod", "cumsum"):
            family.record(f"{fn}/{short}", fn, [x], np.asarray(getattr(np, fn)(x.astype(total)), total), opts={"axis": 0})
        for fn in ("mean", "var", "std", "median"):
            family.record(f"{fn}/{short}", fn, [x], np.asarray(getattr(np, fn)(x.astype(F64)), inexact(dtype)))
        for fn in ("max", "min"):
            family.record(f"{fn}/{short}", fn, [x], np.asarray(getattr(np, fn)(x), dtype))
        for fn in ("argmax", "argmin"):
            family.record(f"{fn}/{short}", fn, [x], np.asarray(getattr(np, fn)(x), I32))
        for fn in ("any", "all"):
            family.record(f"{fn}/{short}", fn, [x], np.asarray(getattr(np, fn)(x), BOOL))
        for to in DTYPES:
            y = np.asarray([1, 0], dtype) if BOOL in (dtype, to) else np.asarray([3, 100], dtype)
            family.record(f"astype/{short}-{SHORT[to]}", "astype", [y, Raw(to.name)], y.astype(to))
        if dtype.kind == "f":
            z = np.asarray([1.75, -1.75, 0.5, -0.0, 100.9], dtype)
            for to in (I32, I8):
                family.record(f"astype/{short}-{SHORT[to]}/fractions", "astype", [z, Raw(to.name)], z.astype(to), note="toward zero")
            nan = np.asarray([np.nan, 0.25, -0.0, np.inf], dtype)
            family.record(f"astype/{short}-bool/awkward", "astype", [nan, Raw("bool")], nan.astype(BOOL), note="NaN is true")
    wide = np.asarray([0.1, 1e300, 1e-300, np.pi, np.nan], F64)
    with np.errstate(all="ignore"):
        family.record("astype/f64-f32/awkward", "astype", [wide, Raw("float32")], wide.astype(F32), ulp=0)
    whole = np.asarray([2**31 - 1, 2**24 + 1, -(2**31)], I32)
    family.record("astype/i32-f32/large", "astype", [whole, Raw("float32")], whole.astype(F32), ulp=0)
    family.record("astype/i32-u32/wraps", "astype", [np.asarray([-1, -2], I32), Raw("uint32")], np.asarray([2**32 - 1, 2**32 - 2], U32), note="wraps around")
    family.record("astype/i32-u8/wraps", "astype", [np.asarray([-1, 256, 300], I32), Raw("uint8")], np.asarray([255, 0, 44], U8), note="wraps around")
    family.record("astype/u32-i32/wraps", "astype", [np.asarray([2**32 - 1, 2**31], U32), Raw("int32")], np.asarray([-1, -(2**31)], I32), note="wraps around")
