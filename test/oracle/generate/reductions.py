"""Reductions over one axis, several, all or none."""

import math

import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from .cases import (
    BOOL, F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, cotangent_for, distinct, generator, normal, sample,
)

SUMS = {"sum": jnp.sum, "mean": jnp.mean, "prod": jnp.prod}
SPREADS = {"var": jnp.var, "std": jnp.std}
EXTREMES = {"max": jnp.max, "min": jnp.min}
POSITIONS = {"argmax": jnp.argmax, "argmin": jnp.argmin}
TRUTHS = {"all": jnp.all, "any": jnp.any}
NANS = {
    "nansum": jnp.nansum, "nanmean": jnp.nanmean, "nanprod": jnp.nanprod, "nanmax": jnp.nanmax,
    "nanmin": jnp.nanmin, "nanvar": jnp.nanvar, "nanstd": jnp.nanstd,
}
AXES = {"all": None, "0": 0, "-1": -1, "1": 1, "02": [0, 2], "-1-3": [-1, -3], "012": [0, 1, 2], "none": []}


def options(axis, keepdims=False, **more):
    opts = {}
    if axis is not None:
        opts["axis"] = axis
    if keepdims:
        opts["keepdims"] = True
    return {**opts, **more}


def over(f, axis, keepdims, **more):
    axis = tuple(axis) if isinstance(axis, list) else axis
    return lambda x: f(x, axis=axis, keepdims=keepdims, **more)


def result_dtype(name, dtype):
    """Sums of small integers are int32; means and spreads of integers are float32."""
    if dtype.kind == "f" or name in ("max", "min"):
        return dtype
    if name in ("mean", "var", "std", "logsumexp"):
        return F32
    return U32 if dtype == U32 else I32


def axes(family):
    for name, f in {**SUMS, **SPREADS, **EXTREMES, "logsumexp": jsp.logsumexp}.items():
        for dtype in FLOATS:
            for label, axis in AXES.items():
                for keepdims in (False, True):
                    id = f"{name}/{SHORT[dtype]}/axis{label}{'/keepdims' if keepdims else ''}"
                    if label == "none" and (name in ("var", "std") or keepdims):
                        continue
                    if dtype == F64 and keepdims and label not in ("all", "1"):
                        continue
                    x = distinct(id, (2, 3, 4), dtype) if name in EXTREMES else normal(id, (2, 3, 4), dtype)
                    family.call(id, name, over(f, axis, keepdims), [x], opts=options(axis, keepdims))
    for name, f in SPREADS.items():
        for dtype in FLOATS:
            for ddof in (1, 2):
                id = f"{name}/{SHORT[dtype]}/ddof{ddof}"
                family.call(id, name, over(f, 1, False, ddof=ddof), [normal(id, (2, 5), dtype)], opts=options(1, ddof=ddof))
    for name, f in POSITIONS.items():
        for dtype in (*FLOATS, I32, U8):
            for axis, keepdims in ((None, False), (0, False), (-1, False), (1, True), (-3, False)):
                id = f"{name}/{SHORT[dtype]}/axis{axis}{'/keepdims' if keepdims else ''}"
                family.call(id, name, over(f, axis, keepdims), [sample(id, (2, 3, 4), dtype)], opts=options(axis, keepdims))
    for name, f in TRUTHS.items():
        for dtype in (BOOL, F32, I32):
            for axis, keepdims in ((None, False), (0, False), (-1, True), ([0, 1], False)):
                id = f"{name}/{SHORT[dtype]}/axis{axis}{'/keepdims' if keepdims else ''}"
                x = np.asarray(generator(id).integers(0, 3, size=(3, 2, 2)) > 0).astype(dtype)
                family.call(id, name, over(f, axis, keepdims), [x], opts=options(axis, keepdims))


def whole(family):
    for dtype in (I32, U32, I8, U8, BOOL):
        for name, f in {**SUMS, **SPREADS, **EXTREMES}.items():
            for axis in (None, 0, -1):
                id = f"{name}/{SHORT[dtype]}/axis{axis}"
                x = sample(id, (2, 3), dtype)
                dtype_ = BOOL if dtype == BOOL and name in EXTREMES else result_dtype(name, dtype)
                family.call(id, name, over(f, axis, False), [x], opts=options(axis), dtype=dtype_)
    big = np.asarray([2**31 - 1, 1, 5], I32)
    family.record("sum/i32/wraps", "sum", [big], big.sum(dtype=I32), note="wraps around")
    family.record("prod/i32/wraps", "prod", [big], big.prod(dtype=I32), note="wraps around")
    small = np.asarray([127, 127, 127], I8)
    family.record("sum/i8/no-overflow", "sum", [small], np.asarray(381, I32), note="int8 sums in int32")
    family.record("sum/u8/no-overflow", "sum", [np.asarray([255, 255], U8)], np.asarray(510, I32))
    family.record("mean/u8/no-overflow", "mean", [np.asarray([255, 255], U8)], np.asarray(255, F32))


def odd_shapes(family):
    for name, f in {**SUMS, **EXTREMES, "logsumexp": jsp.logsumexp}.items():
        for shape in ((), (1,), (1, 1, 3), (3, 1)):
            id = f"{name}/f32/shape{'x'.join(map(str, shape)) or '0d'}"
            family.call(id, name, over(f, None, False), [normal(id, shape)])
        id = f"{name}/f32/size-1-axis"
        family.call(id, name, over(f, 1, False), [normal(id, (3, 1, 2))], opts=options(1))
    for name in ("sum", "prod", "any", "all"):
        f = {**SUMS, **TRUTHS}[name]
        family.call(f"{name}/f32/empty", name, over(f, None, False), [np.zeros((0,), F32)])
        family.call(f"{name}/f32/empty-axis0", name, over(f, 0, False), [np.zeros((0, 3), F32)], opts=options(0))
        family.call(f"{name}/f32/empty-axis1", name, over(f, 1, False), [np.zeros((0, 3), F32)], opts=options(1))
    for name in ("max", "min"):
        family.call(f"{name}/f32/empty-axis1", name, over(EXTREMES[name], 1, False), [np.zeros((0, 3), F32)], opts=options(1))
    for dtype in FLOATS:
        nan = np.asarray(np.nan, dtype)
        family.record(f"mean/{SHORT[dtype]}/empty", "mean", [np.zeros((0,), dtype)], nan, note="NaN: 0/0")


def awkward(family):
    n, p, m = np.nan, np.inf, -np.inf
    rows = {"nan": [1, n, 3], "inf": [1, p, 3], "both": [p, m, 1], "nan-inf": [n, p, m], "minus": [m, m, m], "all-nan": [n, n, n], "plain": [1, 2, 4]}
    for name, f in {**SUMS, **EXTREMES, **POSITIONS, "var": jnp.var, "logsumexp": jsp.logsumexp}.items():
        for dtype in FLOATS:
            x = np.asarray(list(rows.values()), dtype)
            family.call(f"{name}/{SHORT[dtype]}/awkward", name, over(f, 1, False), [x], opts=options(1), grad=False,
                        note="NaN wins; its first position" if name in POSITIONS else None)
    for name, f in NANS.items():
        for dtype in FLOATS:
            x = np.asarray([[1, n, 3, 4], [n, 2, 5, n], [6, 1, 2, 3]], dtype)
            for axis in (None, 0, 1):
                opts = options(axis)
                family.call(f"{name}/{SHORT[dtype]}/axis{axis}", name, over(f, axis, False), [x], opts=opts, grad=False)
    for name, f in {"nanargmax": jnp.nanargmax, "nanargmin": jnp.nanargmin}.items():
        x = np.asarray([[1, n, 3, 4], [n, 2, 5, n], [6, 1, 2, 3]], F32)
        for axis in (None, 0, 1):
            family.call(f"{name}/f32/axis{axis}", name, over(f, axis, False), [x], opts=options(axis))
    for name, f in {**POSITIONS}.items():
        x = np.asarray([[3, 1, 3, 1], [2, 2, 2, 2]], F32)
        family.call(f"{name}/ties", name, over(f, 1, False), [x], opts=options(1), note="the first of equals")
    for dtype in FLOATS:
        big = np.asarray([1000, 1001, 999.5] if dtype == F32 else [1e5, 1e5 + 1, 1e5 - 0.5], dtype)
        family.call(f"logsumexp/{SHORT[dtype]}/large", "logsumexp", jsp.logsumexp, [big])
        family.call(f"logsumexp/{SHORT[dtype]}/very-negative", "logsumexp", jsp.logsumexp, [-big])
        masked = np.asarray([1, m, 2, m], dtype)
        family.call(f"logsumexp/{SHORT[dtype]}/masked", "logsumexp", jsp.logsumexp, [masked], note="a masked entry has slope 0")


def accuracy(family):
    """Long sums against exact ones: a plain running sum in float32 fails these."""
    for dtype, n, ulp in ((F32, 1500, 4), (F64, 600, 4)):
        x = np.asarray(generator("long").integers(1, 999, size=n) / 1000, dtype)
        total = math.fsum(map(float, x))
        family.record(f"sum/{SHORT[dtype]}/long", "sum", [x], np.asarray(total, dtype), ulp=ulp)
        family.record(f"mean/{SHORT[dtype]}/long", "mean", [x], np.asarray(total / n, dtype), ulp=ulp)
    offset = np.asarray([1e4, 1e4 + 1, 1e4 + 2, 1e4 + 5], F32)
    family.record("var/f32/offset", "var", [offset], np.asarray(np.var(offset.astype(F64)), F32), ulp=4, note="two passes, not E[x²] − E[x]²")


def singular(family):
    """Slopes at zeros, ties and constants."""
    for dtype in FLOATS:
        short = SHORT[dtype]
        for label, x in {"one-zero": [2, 0, 3, -1.5], "two-zeros": [2, 0, 3, 0], "all-zeros": [0, 0, 0], "none": [2, -1, 3, 0.5]}.items():
            family.call(f"prod/{short}/{label}", "prod", jnp.prod, [np.asarray(x, dtype)], note="exact at zeros")
        x = np.asarray([[2, 0, 3], [0, 0, 4], [1, 2, 3]], dtype)
        family.call(f"prod/{short}/zeros-axis1", "prod", over(jnp.prod, 1, False), [x], opts=options(1))
        for name, f in EXTREMES.items():
            x = np.asarray([[1, 3, 3, 1], [2, 2, 2, 2], [1, 5, 0, 2]], dtype)
            for axis in (None, 0, 1):
                family.call(f"{name}/{short}/ties-axis{axis}", name, over(f, axis, False), [x], opts=options(axis),
                            note="tied elements share the cotangent equally")
        flat, zeros = np.asarray([3, 3, 3], dtype), np.zeros(3, dtype)
        ct = cotangent_for(np.zeros((), dtype), "flat")
        family.record(f"std/{short}/constant", "std", [flat], np.zeros((), dtype), vjp=(ct, [0], [zeros]), note="std of a constant has slope 0")
        family.record(f"var/{short}/constant", "var", [flat], np.zeros((), dtype), vjp=(ct, [0], [zeros]))
        family.record(f"norm/{short}/zero", "norm", [zeros], np.zeros((), dtype), vjp=(ct, [0], [zeros]), note="norm at 0 has slope 0")


def norms(family):
    for dtype in FLOATS:
        x = normal("norm", (3, 4), dtype)
        norm = jnp.linalg.norm
        for label, opts in {
            "plain": {}, "axis0": {"axis": 0}, "axis-1-keepdims": {"axis": -1, "keepdims": True}, "one": {"ord": 1, "axis": 1},
            "inf": {"ord": "inf", "axis": 1}, "-inf": {"ord": "-inf", "axis": 1}, "three": {"ord": 3, "axis": 0}, "frobenius": {"ord": "fro"},
        }.items():
            given = {k: float(v) if v in ("inf", "-inf") else v for k, v in opts.items()}
            family.call(f"norm/{SHORT[dtype]}/{label}", "norm", lambda x, given=given: norm(x, **given), [x], opts=opts)
        family.record(f"norm/{SHORT[dtype]}/ord0", "norm", [np.asarray([0, 1, 2, 0], dtype)], np.asarray(2, dtype), opts={"ord": 0})
        for name, f in {"ptp": jnp.ptp, "countNonzero": jnp.count_nonzero, "average": jnp.average}.items():
            family.call(f"{name}/{SHORT[dtype]}", name, lambda x, f=f: f(x, axis=1), [distinct("ptp", (3, 4), dtype)], opts={"axis": 1})
        w = np.asarray([1, 2, 0.5, 0.5], dtype)
        family.call(f"logsumexp/{SHORT[dtype]}/1d", "logsumexp", jsp.logsumexp, [w])


def build():
    family = Family("reductions")
    axes(family)
    whole(family)
    odd_shapes(family)
    awkward(family)
    accuracy(family)
    singular(family)
    norms(family)
    return family
