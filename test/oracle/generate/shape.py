"""Functions that move elements and compute nothing."""

import jax.numpy as jnp
import numpy as np

from .cases import BOOL, F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, Raw, normal, sample

DTYPES = (F32, F64, I32, U32, I8, U8, BOOL)


def tupled(p):
    return tuple(p) if isinstance(p, list) else p


# fn: (JAX on (x, parameters), list of (shape, parameters, options))
def table():
    return {
        "reshape": (lambda x, s: jnp.reshape(x, tupled(s)), [
            ((2, 6), [3, 4]), ((2, 6), [-1]), ((2, 6), [2, -1, 3]), ((12,), [1, 12, 1]), ((1,), []), ((), [1, 1]), ((0, 3), [3, 0]), ((2, 3), [3, 2]), ((2, 3), [-1, 1])]),
        "transpose": (lambda x, a=None: jnp.transpose(x, a), [
            ((2, 3), None), ((2, 3, 4), None), ((2, 3, 4), [1, 2, 0]), ((2, 3, 4), [-1, 0, 1]), ((5,), None), ((), None), ((1, 3, 1, 2), [3, 2, 1, 0]), ((0, 2), None)]),
        "moveaxis": (lambda x, a, b: jnp.moveaxis(x, a, b), [
            ((2, 3, 4), 0, -1), ((2, 3, 4), -1, 0), ((2, 3, 4), [0, 1], [-1, 0]), ((2, 3, 4), [2], [0]), ((2, 3, 1, 2), [0, 3], [3, 1])]),
        "swapaxes": (lambda x, a, b: jnp.swapaxes(x, a, b), [((2, 3, 4), 0, 2), ((2, 3, 4), -1, -2), ((2, 3), 1, 1), ((1, 3), 0, -1)]),
        "broadcastTo": (lambda x, s: jnp.broadcast_to(x, tupled(s)), [
            ((3,), [2, 3]), ((2, 1), [2, 4]), ((), [2, 2]), ((1, 1), [3, 2, 2]), ((2, 3), [2, 3]), ((1,), [0]), ((1, 3), [0, 3])]),
        "tile": (lambda x, r: jnp.tile(x, tupled(r)), [((3,), 2), ((2, 3), [2]), ((2, 3), [2, 2]), ((3,), [2, 1]), ((2, 2), [1, 3, 2]), ((), [3]), ((2,), 0)]),
    }


KEYWORDS = {
    "squeeze": (jnp.squeeze, [((1, 3, 1), {}), ((1, 3, 1), {"axis": 0}), ((1, 3, 1), {"axis": -1}), ((1, 3, 1), {"axis": [0, 2]}), ((2, 3), {}), ((1, 1), {}), ((1, 0), {})]),
    "expandDims": (jnp.expand_dims, [((3,), {"axis": 0}), ((2, 3), {"axis": -1}), ((2, 3), {"axis": 1}), ((), {"axis": 0}), ((2, 3), {"axis": [0, 3]}), ((2, 3), {"axis": [-1, 0]})]),
    "flip": (jnp.flip, [((4,), {}), ((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": -1}), ((2, 3, 2), {"axis": [0, 2]}), ((0,), {}), ((), {})]),
    "ravel": (jnp.ravel, [((2, 3), {}), ((), {}), ((0, 2), {}), ((2, 1, 2), {})]),
    "flatten": (jnp.ravel, [((2, 3), {}), ((), {})]),
    "atleast1d": (jnp.atleast_1d, [((), {}), ((3,), {})]),
    "atleast2d": (jnp.atleast_2d, [((), {}), ((3,), {}), ((2, 2), {})]),
    "atleast3d": (jnp.atleast_3d, [((), {}), ((3,), {}), ((2, 2), {})]),
    "fliplr": (jnp.fliplr, [((2, 3), {})]),
    "flipud": (jnp.flipud, [((2, 3), {})]),
    "rot90": (jnp.rot90, [((2, 3), {}), ((2, 3), {"k": 2}), ((2, 3), {"k": -1})]),
}


def name_of(*parts):
    return "-".join(str(p).replace(" ", "") for p in parts)


def moves(family):
    for fn, (f, rows) in table().items():
        for shape, *params in rows:
            given = [p for p in params if p is not None]
            id = f"{fn}/f32/{name_of(list(shape), *given)}"
            family.call(id, fn, f, [normal(id, shape), *map(Raw, given)])
        shape, *params = rows[0]
        given = [p for p in params if p is not None]
        for dtype in DTYPES[1:]:
            id = f"{fn}/{SHORT[dtype]}"
            family.call(id, fn, f, [sample(id, shape, dtype), *map(Raw, given)])
    for fn, (f, rows) in KEYWORDS.items():
        for shape, opts in rows:
            id = f"{fn}/f32/{name_of(list(shape), *opts.values())}"
            family.call(id, fn, lambda x: f(x, **{k: tupled(v) for k, v in opts.items()}), [normal(id, shape)], opts=opts)
        for dtype in (F64, I32, BOOL):
            shape, opts = rows[0]
            id = f"{fn}/{SHORT[dtype]}"
            family.call(id, fn, lambda x: f(x, **{k: tupled(v) for k, v in opts.items()}), [sample(id, shape, dtype)], opts=opts)
    for dtype in FLOATS:
        bad = np.asarray([[np.nan, -0.0, 0], [np.inf, -np.inf, np.finfo(dtype).smallest_subnormal]], dtype)
        family.record(f"transpose/{SHORT[dtype]}/awkward", "transpose", [bad], bad.T, ulp=0)
        family.record(f"flip/{SHORT[dtype]}/awkward", "flip", [bad], np.flip(bad), ulp=0)


def rolls(family):
    for shape, shift, opts in [
        ((5,), 2, {}), ((5,), -1, {}), ((2, 3), 1, {}), ((2, 3), 1, {"axis": 0}), ((2, 3), -2, {"axis": -1}), ((2, 3), 7, {"axis": 1}),
        ((2, 3), [1, -1], {"axis": [0, 1]}), ((3, 1), 1, {"axis": 1}), ((0,), 1, {}), ((2, 3), 0, {"axis": 0}),
    ]:
        for dtype in (F32, I32):
            id = f"roll/{SHORT[dtype]}/{name_of(list(shape), shift, *opts.values())}"
            kw = {k: tupled(v) for k, v in opts.items()}
            family.call(id, "roll", lambda x, s: jnp.roll(x, tupled(s), **kw), [sample(id, shape, dtype), Raw(shift)], opts=opts)
    for shape, n, opts in [
        ((3,), 2, {}), ((2, 3), 2, {}), ((2, 3), 2, {"axis": 0}), ((2, 3), 3, {"axis": -1}), ((2, 3), [1, 0, 2], {"axis": 1}), ((3,), [2, 0, 1], {}), ((), 3, {}), ((2, 1), 0, {"axis": 0}),
    ]:
        for dtype in (F32, F64, U8):
            id = f"repeat/{SHORT[dtype]}/{name_of(list(shape), n, *opts.values())}"
            family.call(id, "repeat", lambda x, n: jnp.repeat(x, np.asarray(n), **opts), [sample(id, shape, dtype), Raw(n)], opts=opts)


PADS = [((4,), [[1, 2]]), ((2, 3), [[1, 0], [2, 1]]), ((3, 1, 2), [[0, 0], [1, 1], [0, 2]]), ((3,), [[0, 0]])]


def pads(family):
    for shape, width in PADS:
        id = f"pad/f32/{name_of(list(shape), width)}"
        family.call(id, "pad", lambda x, w: jnp.pad(x, w), [normal(id, shape), Raw(width)])
        family.call(id + "/value", "pad", lambda x, w: jnp.pad(x, w, constant_values=1.5), [normal(id, shape), Raw(width)], opts={"mode": "constant", "value": 1.5})
    for mode in ("edge", "reflect", "symmetric", "wrap"):
        for dtype in FLOATS:
            for shape, width in [((4,), [[1, 2]]), ((4,), [[3, 3]]), ((2, 3), [[1, 0], [2, 1]]), ((3, 4), [[2, 2], [3, 1]])]:
                id = f"pad/{SHORT[dtype]}/{mode}/{name_of(list(shape), width)}"
                family.call(id, "pad", lambda x, w: jnp.pad(x, w, mode=mode), [normal(id, shape, dtype), Raw(width)], opts={"mode": mode})
        id = f"pad/i32/{mode}"
        family.call(id, "pad", lambda x, w: jnp.pad(x, w, mode=mode), [sample(id, (4,), I32), Raw([[2, 1]])], opts={"mode": mode})
    for dtype in DTYPES[1:]:
        id = f"pad/{SHORT[dtype]}"
        family.call(id, "pad", lambda x, w: jnp.pad(x, w), [sample(id, (2, 2), dtype), Raw([[1, 0], [0, 1]])])
    family.call("pad/f32/empty", "pad", lambda x, w: jnp.pad(x, w), [np.zeros((0,), F32), Raw([[1, 2]])])


def triangles(family):
    for fn, f in {"tril": jnp.tril, "triu": jnp.triu}.items():
        for shape in ((3, 3), (2, 4), (4, 2), (2, 2, 3)):
            for k in (0, 1, -1, 5):
                id = f"{fn}/f32/{name_of(list(shape), k)}"
                family.call(id, fn, lambda x: f(x, k=k), [normal(id, shape)], opts={"k": k} if k else None)
        for dtype in (F64, I32, BOOL):
            id = f"{fn}/{SHORT[dtype]}"
            family.call(id, fn, f, [sample(id, (3, 3), dtype)])
        bad = np.asarray([[np.nan, np.inf], [np.inf, np.nan]], F32)
        family.record(f"{fn}/f32/awkward", fn, [bad], getattr(np, fn)(bad), ulp=0, note="zero outside, not 0·inf")
    x = np.asarray([[np.inf, 1], [2, 3]], F32)
    family.record("broadcastArrays/f32", "broadcastArrays", [x, x[0], np.asarray(2, F32)], [np.asarray(a) for a in np.broadcast_arrays(x, x[0], np.asarray(2, F32))])


def build():
    family = Family("shape")
    moves(family)
    rolls(family)
    pads(family)
    triangles(family)
    return family
