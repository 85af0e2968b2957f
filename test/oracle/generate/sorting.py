"""Order: sorting, searching, quantiles, sets."""

import jax.numpy as jnp
import numpy as np

from .cases import BOOL, F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, Num, distinct, generator, normal, sample


def sorts(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for shape, axis in [((6,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((2, 3, 4), -3), ((1,), 0), ((0,), 0), ((3, 1), 1), ((2, 0), -1)]:
            id = f"{short}/{list(shape)}-{axis}".replace(" ", "")
            x = distinct("sort" + id, shape, dtype)
            family.call(f"sort/{id}", "sort", lambda x: jnp.sort(x, axis=axis), [x], opts={"axis": axis}, grad=0 not in shape)
            family.call(f"argsort/{id}", "argsort", lambda x: jnp.argsort(x, axis=axis), [x], opts={"axis": axis})
        family.call(f"sort/{short}/default", "sort", jnp.sort, [distinct("sd", (2, 4), dtype)], note="default: the last axis")
        family.call(f"sort/{short}/descending", "sort", lambda x: jnp.sort(x, descending=True), [distinct("sd", (2, 4), dtype)], opts={"descending": True})
        x = np.asarray([2, np.nan, -np.inf, 1, np.inf, np.nan, -1, 0.5], dtype)
        family.record(f"sort/{short}/awkward", "sort", [x], np.sort(x), note="NaN last")
        family.record(f"argsort/{short}/awkward", "argsort", [x], np.argsort(x, kind="stable").astype(I32), note="NaN last, stable")
        t = np.asarray([3, 1, 3, 2, 1, 3, 1], dtype)
        family.record(f"argsort/{short}/ties", "argsort", [t], np.argsort(t, kind="stable").astype(I32), note="stable")
        z = np.asarray([0.0, -0.0, 1, -0.0, 0.0, -1], dtype)
        family.record(f"argsort/{short}/zeros", "argsort", [z], np.argsort(z, kind="stable").astype(I32), note="−0 equals 0: stable")
        long = distinct("long", (70,), dtype)
        family.call(f"sort/{short}/long", "sort", jnp.sort, [long])
        family.call(f"argsort/{short}/long", "argsort", jnp.argsort, [long])
    for dtype in (I32, U32, I8, U8, BOOL):
        x = sample(f"s{dtype}", (2, 6), dtype)
        family.record(f"sort/{SHORT[dtype]}", "sort", [x], np.sort(x, axis=-1))
        family.record(f"argsort/{SHORT[dtype]}", "argsort", [x], np.argsort(x, axis=-1, kind="stable").astype(I32))
    edge = np.asarray([2**31, 1, 2**32 - 1, 0], U32)
    family.record("sort/u32/edges", "sort", [edge], np.sort(edge))
    keys = [np.asarray([1, 0, 1, 0, 2], F32), np.asarray([3, 3, 1, 1, 1], F32)]
    family.record("lexsort/f32", "lexsort", [keys], np.lexsort(keys).astype(I32))


def searches(family):
    for dtype in (F32, F64, I32):
        a = np.asarray([-2, 0, 0, 1, 1, 1, 5], dtype)
        v = np.asarray([[-3, -2, 0, 1], [2, 5, 6, -1]], dtype)
        for side in ("left", "right"):
            family.record(f"searchsorted/{SHORT[dtype]}/{side}", "searchsorted", [a, v], np.searchsorted(a, v, side).astype(I32), opts={"side": side})
        family.record(f"searchsorted/{SHORT[dtype]}/0d", "searchsorted", [a, v[0, 2]], np.asarray(np.searchsorted(a, v[0, 2]), I32))
        family.record(f"searchsorted/{SHORT[dtype]}/empty", "searchsorted", [a[:0], v[0]], np.searchsorted(a[:0], v[0]).astype(I32))
        for right in (False, True):
            bins = np.asarray([0, 1, 3], dtype)
            family.record(f"digitize/{SHORT[dtype]}/{right}", "digitize", [v, bins], np.digitize(v, bins, right).astype(I32), opts={"right": right})
    for dtype in FLOATS:
        a = np.asarray([-np.inf, 0, 1, np.inf, np.nan], dtype)
        v = np.asarray([np.nan, np.inf, -np.inf, 0.5], dtype)
        family.record(f"searchsorted/{SHORT[dtype]}/awkward", "searchsorted", [a, v], np.searchsorted(a, v).astype(I32), note="NaN sorts last")


def quantiles(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for shape, axis, keepdims in [((5,), None, False), ((6,), None, False), ((3, 4), 0, False), ((3, 5), -1, True), ((2, 3, 3), None, False), ((2, 3, 3), [0, 2], False), ((1,), 0, False), ((3, 1), 1, False)]:
            ax = tuple(axis) if isinstance(axis, list) else axis
            opts = {**({"axis": axis} if axis is not None else {}), **({"keepdims": True} if keepdims else {})}
            id = f"{short}/{list(shape)}-{axis}".replace(" ", "")
            x = distinct("q" + id, shape, dtype)
            family.call(f"median/{id}", "median", lambda x: jnp.median(x, axis=ax, keepdims=keepdims), [x], opts=opts)
            for q in (0, 0.25, 0.625, 1):
                family.call(f"quantile/{id}/{q}", "quantile", lambda x, q: jnp.quantile(x, jnp.asarray(q, float), axis=ax, keepdims=keepdims), [x, Num(q)], opts=opts)
        x = distinct("qq", (3, 5), dtype)
        q = np.asarray([0.125, 0.5, 0.875], dtype)
        # The slope in q is one-sided at the knots: only the slope in x.
        family.call(f"quantile/{short}/tensor-q", "quantile", lambda x, q: jnp.quantile(x, jnp.asarray(q, float), axis=1), [x, q], opts={"axis": 1}, grad=False,
                    note="the axis of q comes first")
        for method in ("lower", "higher", "nearest", "midpoint", "linear"):
            family.call(f"quantile/{short}/{method}", "quantile", lambda x, q: jnp.quantile(x, jnp.asarray(q, float), axis=1, method=method), [x, Num(0.4)], opts={"axis": 1, "method": method})
        family.call(f"percentile/{short}", "percentile", lambda x, q: jnp.percentile(x, q, axis=0), [x, Num(30)], opts={"axis": 0})
        bad = np.asarray([[1, np.nan, 3, 2], [4, 1, 3, 2]], dtype)
        for fn, f in {"median": jnp.median, "nanmedian": jnp.nanmedian}.items():
            family.call(f"{fn}/{short}/nan", fn, lambda x: f(x, axis=1), [bad], opts={"axis": 1}, grad=False)
        family.call(f"quantile/{short}/nan", "quantile", lambda x, q: jnp.quantile(x, jnp.asarray(q, float), axis=1), [bad, Num(0.25)], opts={"axis": 1}, grad=False)
        family.call(f"nanquantile/{short}/nan", "nanquantile", lambda x, q: jnp.nanquantile(x, q, axis=1), [bad, Num(0.25)], opts={"axis": 1}, grad=False)
    for dtype in (I32, U8):
        x = sample(f"med{dtype}", (3, 4), dtype)
        family.call(f"median/{SHORT[dtype]}", "median", lambda x: jnp.median(x, axis=1), [x], opts={"axis": 1}, dtype=F32)


def sets(family):
    for dtype in (F32, F64, I32, U8, BOOL):
        short = SHORT[dtype]
        x = np.asarray(generator(f"u{short}").integers(0, 2 if dtype == BOOL else 5, size=9), dtype)
        u, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        family.record(f"unique/{short}", "unique", [x], u)
        family.record(f"unique/{short}/everything", "unique", [x], [u, first.astype(I32), inverse.astype(I32), counts.astype(I32)],
                      opts={"returnIndex": True, "returnInverse": True, "returnCounts": True})
        if dtype != BOOL:
            y = np.asarray([1, 3, 7, 3], dtype)
            for fn, f in {"union1d": np.union1d, "intersect1d": np.intersect1d, "setdiff1d": np.setdiff1d, "setxor1d": np.setxor1d}.items():
                family.record(f"{fn}/{short}", fn, [x, y], f(x, y))
            family.record(f"isin/{short}", "isin", [x, y], np.isin(x, y))
    family.record("unique/f32/empty", "unique", [np.zeros((0,), F32)], np.zeros((0,), F32))
    family.record("unique/f32/2d", "unique", [np.asarray([[2, 1], [1, 2]], F32)], np.asarray([1, 2], F32))
    x = np.asarray([0, 1, 1, 3, 2, 1, 5], I32)
    family.record("bincount/i32", "bincount", [x], np.bincount(x).astype(I32))
    family.record("bincount/i32/length", "bincount", [x], np.bincount(x, minlength=8).astype(I32), opts={"minlength": 8})
    for dtype in FLOATS:
        w = normal("weights", (7,), dtype)
        family.call(f"bincount/i32/weights-{SHORT[dtype]}", "bincount", lambda x, w: jnp.bincount(np.asarray(x), w, length=6), [x, w],
                    note="second tensor: the weights")


def build():
    family = Family("sorting")
    sorts(family)
    searches(family)
    quantiles(family)
    sets(family)
    return family
