"""Running sums, products and extremes."""

import jax
import jax.numpy as jnp
import numpy as np

from .cases import BOOL, FLOATS, I8, I32, SHORT, U8, U32, Family, distinct, normal, sample

RUNNING = {"cumsum": jnp.cumsum, "cumprod": jnp.cumprod, "cummax": jax.lax.cummax, "cummin": jax.lax.cummin}


def along(f, axis):
    return lambda x: f(x, axis=axis if axis >= 0 else x.ndim + axis)


def axes(family):
    for name, f in RUNNING.items():
        for dtype in FLOATS:
            for axis in (0, 1, -1, -3):
                id = f"{name}/{SHORT[dtype]}/axis{axis}"
                x = distinct(id, (2, 3, 4), dtype) if name in ("cummax", "cummin") else normal(id, (2, 3, 4), dtype)
                family.call(id, name, along(f, axis), [x], opts={"axis": axis})
            for shape in ((5,), (1,), (3, 1), (0,), (2, 0)):
                id = f"{name}/{SHORT[dtype]}/shape{'x'.join(map(str, shape))}"
                family.call(id, name, along(f, -1), [distinct(id, shape, dtype)], opts={"axis": -1}, grad=0 not in shape)
    for name in ("cumsum", "cumprod"):
        id = f"{name}/f32/flattened"
        family.call(id, name, RUNNING[name], [normal(id, (2, 3))], note="no axis: of the flattened array")


def whole(family):
    for name, f in RUNNING.items():
        for dtype in (I32, U32, I8, U8):
            id = f"{name}/{SHORT[dtype]}"
            sums = name in ("cumsum", "cumprod")
            x = sample(id, (2, 4), dtype)
            y = x.astype(np.int64) if sums else x
            out = np.asarray(f(jnp.asarray(y), axis=1)).astype((U32 if dtype == U32 else I32) if sums else dtype)
            family.record(id, name, [x], out, opts={"axis": 1},
                          note="accumulates in int32, as sum does; JAX keeps int8" if sums and dtype in (I8, U8) else None)
    x = np.asarray([1, 0, 1, 1], BOOL)
    family.record("cumsum/bool", "cumsum", [x], np.cumsum(x).astype(I32), opts={"axis": 0})
    family.record("cumprod/bool", "cumprod", [x], np.cumprod(x).astype(I32), opts={"axis": 0})


def awkward(family):
    n, p, m = np.nan, np.inf, -np.inf
    reference = {"cumsum": np.cumsum, "cumprod": np.cumprod, "cummax": np.maximum.accumulate, "cummin": np.minimum.accumulate}
    for name, f in reference.items():
        for dtype in FLOATS:
            x = np.asarray([[1, n, 3, 2], [1, p, 2, 3], [p, m, 1, 0], [-1, 2, -3, 4], [2, 2, 1, 2]], dtype)
            with np.errstate(all="ignore"):
                family.record(f"{name}/{SHORT[dtype]}/awkward", name, [x], f(x, axis=1), opts={"axis": 1}, note="NaN stays from where it stands")
    for dtype in FLOATS:
        for label, x in {"one-zero": [2, 0, 3, -1.5], "two-zeros": [2, 0, 3, 0, 2], "first-zero": [0, 2, 3]}.items():
            family.call(f"cumprod/{SHORT[dtype]}/{label}", "cumprod", jnp.cumprod, [np.asarray(x, dtype)], opts={"axis": 0}, note="exact at zeros")


def build():
    family = Family("cumulative")
    axes(family)
    whole(family)
    awkward(family)
    return family
