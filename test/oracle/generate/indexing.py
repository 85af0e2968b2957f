"""Static, integer-array and mask indexing; functional updates; take and its kin."""

import math

import jax.numpy as jnp
import numpy as np

from .cases import BOOL, F32, FLOATS, I8, I32, SHORT, U8, U32, Family, Raw, integers, normal, sample, value


class Index:
    """An index as NumPy takes it and as the JSON spells it."""

    def __init__(self, *items):
        self.items = items

    def numpy(self):
        return tuple(self.items)

    def json(self):
        def spell(item):
            if item is None or isinstance(item, int):
                return item
            if item is Ellipsis:
                return "..."
            if isinstance(item, slice):
                return {"slice": [item.start, item.stop, item.step]}
            return {"mask" if item.dtype == BOOL else "ints": value(item)}

        return Raw([spell(i) for i in self.items])

    def name(self):
        def word(item):
            if isinstance(item, slice):
                start, stop = ("" if v is None else v for v in (item.start, item.stop))
                return f"{start}:{stop}" + ("" if item.step is None else f":{item.step}")
            if isinstance(item, np.ndarray):
                return ("mask" if item.dtype == BOOL else "ints") + "x".join(map(str, item.shape))
            return {None: "new", Ellipsis: "..."}.get(item, str(item))

        return ",".join(map(word, self.items))


def ints(*rows, dtype=I32):
    return np.asarray(rows, dtype)


S = slice
STATIC = [
    ((5,), Index(2)), ((5,), Index(-1)), ((5,), Index(S(None))), ((5,), Index(S(1, 4))), ((5,), Index(S(-3, None))), ((5,), Index(S(None, -1))),
    ((5,), Index(S(None, None, -1))), ((5,), Index(S(4, 0, -2))), ((5,), Index(S(None, None, 2))), ((5,), Index(S(3, 1))), ((5,), Index(S(1, 99))),
    ((5,), Index(S(-99, 3))), ((5,), Index(S(-1, None, -3))), ((5,), Index(S(99, None, -1))), ((5,), Index(None)), ((5,), Index(Ellipsis)), ((5,), Index(S(None, 2, -1))),
    ((3, 4), Index(1)), ((3, 4), Index(S(None), 1)), ((3, 4), Index(-1, -1)), ((3, 4), Index(S(None), S(None, None, -1))), ((3, 4), Index(Ellipsis, 0)),
    ((3, 4), Index(None, S(None), None)), ((3, 4), Index(S(None, None, -2), S(1, 3))), ((3, 4), Index(1, None, S(None, None, 3))), ((3, 4), Index(S(2, None, -1), 2)),
    ((2, 3, 4), Index(Ellipsis, S(1, 3))), ((2, 3, 4), Index(0, Ellipsis, -1)), ((2, 3, 4), Index(S(None), None, 1)), ((2, 3, 4), Index(1, Ellipsis, None)),
    ((2, 3, 4), Index(S(None, None, -1), S(0, 0), S(None))), ((2, 3, 4), Index(1, 2, 3)), ((), Index()), ((), Index(None)), ((), Index(Ellipsis)), ((0, 3), Index(S(None), 1)),
]
ARRAYS = [
    ((5,), Index(ints(0, 2, 4))), ((5,), Index(ints(-1, 0, -1, 0))), ((5,), Index(ints([0, 1], [3, 3]))), ((5,), Index(np.asarray(3, I32))), ((5,), Index(np.zeros((0,), I32))),
    ((3, 4), Index(ints(2, 0))), ((3, 4), Index(S(None), ints(3, 3, 1))), ((3, 4), Index(ints(0, 1, 2), ints(1, 1, 3))), ((3, 4), Index(ints([0], [2]), ints(1, 3))),
    ((3, 4), Index(1, ints(0, 2))), ((3, 4), Index(ints(0, 2), -1)), ((3, 4), Index(ints(2, 1), S(1, None, 2))), ((3, 4), Index(None, ints(0, 0))),
    ((2, 3, 4), Index(ints(1, 0), S(None), ints(2, 3))), ((2, 3, 4), Index(S(None), ints(0, 2), ints(1, 1))), ((2, 3, 4), Index(0, S(None), ints(0, 3, 1))),
    ((2, 3, 4), Index(S(None), ints([0, 1], [2, 2]), S(None))), ((2, 3, 4), Index(Ellipsis, ints(3, 0))), ((2, 3, 4), Index(ints(1, 0), None, ints(0, 1))), ((2, 3, 4), Index(S(None, None, -1), S(None), ints(0, 2))),
]
MASKS = [
    ((5,), Index(np.asarray([1, 0, 1, 1, 0], BOOL))), ((2, 3), Index(np.asarray([[1, 0, 0], [0, 1, 1]], BOOL))), ((3, 4), Index(np.asarray([0, 1, 1], BOOL))),
    ((3, 4), Index(S(None), np.asarray([0, 1, 0, 1], BOOL))), ((3,), Index(np.zeros(3, BOOL))), ((3, 2), Index(np.asarray([1, 0, 1], BOOL), 1)),
]


def label(shape, index):
    return f"{'x'.join(map(str, shape)) or '0d'}[{index.name()}]"


def reading(family):
    for shape, index in STATIC + ARRAYS + MASKS:
        for dtype in FLOATS if len(shape) < 3 else (F32,):
            id = f"index/{SHORT[dtype]}/{label(shape, index)}"
            family.call(id, "index", lambda x, _: x[index.numpy()], [normal(id, shape, dtype), index.json()])
    for dtype in (I32, U32, I8, U8, BOOL):
        for shape, index in (STATIC[7], STATIC[23], ARRAYS[6], MASKS[2]):
            id = f"index/{SHORT[dtype]}/{label(shape, index)}"
            family.call(id, "index", lambda x, _: x[index.numpy()], [sample(id, shape, dtype), index.json()])
    for kind in (U8, I8, U32):
        index = Index(ints(2, 0, 1, dtype=kind))
        id = f"index/f32/by-{SHORT[kind]}"
        family.call(id, "index", lambda x, _: x[index.numpy()], [normal(id, (3,)), index.json()])


UPDATES = {"Set": "set", "Add": "add", "Multiply": "multiply", "Min": "min", "Max": "max"}


def updated(x, index, word, v):
    # JAX differentiates a scattered product only where it is told that indices are unique.
    more = {"unique_indices": True} if word == "Multiply" else {}
    return getattr(x.at[index.numpy()], UPDATES[word])(v, **more)


def unique(shape, index):
    """Whether no element is written twice."""
    picked = np.arange(math.prod(shape)).reshape(shape)[index.numpy()]
    return len(np.unique(picked)) == picked.size


def writing(family):
    chosen = [STATIC[i] for i in (0, 3, 6, 7, 17, 18, 23, 26, 28, 31)] + ARRAYS + MASKS[:4]
    for shape, index in chosen:
        region = np.zeros(shape)[index.numpy()].shape
        for word in UPDATES:
            if word in ("Set", "Multiply") and not unique(shape, index):
                continue
            for dtype in FLOATS if word in ("Set", "Add") and len(shape) < 3 else (F32,):
                id = f"index{word}/{SHORT[dtype]}/{label(shape, index)}"
                args = [normal(id + "x", shape, dtype), index.json(), normal(id + "v", region, dtype)]
                family.call(id, f"index{word}", lambda x, _, v: updated(x, index, word, v), args, grad=word not in ("Min", "Max"))
    for dtype in FLOATS:
        short = SHORT[dtype]
        for shape, index, region in [
            ((3, 4), Index(S(None), 1), ()), ((3, 4), Index(S(0, 2)), (4,)), ((3, 4), Index(S(None), S(None, None, -2)), (3, 1)), ((5,), Index(ints(0, 3)), ()),
            ((3, 4), Index(ints(2, 0)), (1, 4)),
        ]:
            for word in ("Set", "Add", "Multiply"):
                id = f"index{word}/{short}/{label(shape, index)}/broadcast{'x'.join(map(str, region)) or '0d'}"
                args = [normal(id + "x", shape, dtype), index.json(), normal(id + "v", region, dtype)]
                family.call(id, f"index{word}", lambda x, _, v: updated(x, index, word, v), args)
        bad, index = np.asarray([np.nan, 1, np.inf, -0.0], dtype), Index(S(0, 4, 2))
        out = bad.copy()
        out[::2] = 5
        family.record(f"indexSet/{short}/awkward", "indexSet", [bad, index.json(), np.asarray([5, 5], dtype)], out, ulp=0)
    index = Index(ints(1, 1, 3, 1))
    for dtype in (I32, U32, I8, U8):
        for word in ("Add", "Min", "Max"):
            id = f"index{word}/{SHORT[dtype]}/repeated"
            family.call(id, f"index{word}", lambda x, _, v: updated(x, index, word, v),
                        [sample(id + "x", (5,), dtype), index.json(), sample(id + "v", (4,), dtype)])
    mask = Index(np.asarray([1, 0, 1], BOOL))
    family.call("indexSet/bool", "indexSet", lambda x, _, v: x.at[mask.numpy()].set(v), [np.asarray([0, 1, 0], BOOL), mask.json(), np.asarray([1, 0], BOOL)])


def taking(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for shape, idx, opts in [
            ((5,), ints(0, 4, 4), {}), ((2, 3), ints(5, 0, 2), {}), ((3, 4), ints(2, 0), {"axis": 0}), ((3, 4), ints([1, 1], [0, 3]), {"axis": 1}), ((3, 4), ints(3, 0), {"axis": -1}),
            ((3, 4), np.asarray(1, I32), {"axis": 0}), ((2, 3, 2), ints(2, 2, 0), {"axis": 1}), ((3, 4), ints(-1, -3), {"axis": 0}), ((3,), np.zeros((0,), I32), {"axis": 0}), ((4, 2), ints([0, 1, 2], [3, 2, 1]), {"axis": 0}),
        ]:
            id = f"take/{short}/{list(shape)}-{idx.tolist()}-{opts.get('axis', 'flat')}".replace(" ", "")
            family.call(id, "take", lambda x, i: jnp.take(x, i, **opts), [normal(id, shape, dtype), idx], opts=opts)
        for shape, idx, axis in [
            ((3, 4), ints([0, 3], [1, 1], [2, 0]), 1), ((3, 4), ints([2, 0, 1, 1]), 0), ((3, 4), ints([-1], [0], [-4]), -1), ((2, 3, 2), ints([[1, 0], [2, 2]], [[0, 0], [1, 2]]), 1), ((4,), ints(3, 3, 0), 0),
        ]:
            id = f"takeAlongAxis/{short}/{list(shape)}-{list(idx.shape)}-{axis}".replace(" ", "")
            family.call(id, "takeAlongAxis", lambda x, i: jnp.take_along_axis(x, i, axis=axis), [normal(id, shape, dtype), idx], opts={"axis": axis})
        x = normal("compress", (3, 4), dtype)
        keep = np.asarray([1, 0, 1], BOOL)
        family.call(f"compress/{short}", "compress", lambda c, x: jnp.compress(np.asarray(keep), x, axis=0), [keep, x], opts={"axis": 0})
        family.call(f"delete/{short}", "delete", lambda x, i: jnp.delete(x, i, axis=1), [x, Raw(1)], opts={"axis": 1})
        family.call(f"insert/{short}", "insert", lambda x, i, v: jnp.insert(x, i, v, axis=1), [x, Raw(1), normal("ins", (3,), dtype)], opts={"axis": 1})
        c = integers("choose", (4,), 0, 3)
        family.call(f"choose/{short}", "choose", lambda c, xs: jnp.choose(c, xs), [c, [normal(f"ch{i}", (4,), dtype) for i in range(3)]])
        cs = [np.asarray([1, 0, 0, 0], BOOL), np.asarray([1, 1, 0, 0], BOOL)]
        family.call(f"select/{short}", "select", lambda cs, xs: jnp.select(cs, xs, 0.5), [cs, [normal(f"se{i}", (4,), dtype) for i in range(2)]], opts={"default": 0.5})
    for dtype in (I32, U8, BOOL):
        id = f"take/{SHORT[dtype]}"
        family.call(id, "take", lambda x, i: jnp.take(x, i, axis=1), [sample(id, (2, 3), dtype), ints(2, 0)], opts={"axis": 1})
    for dtype in (F32, I32, BOOL):
        x = sample(f"nonzero{dtype}", (3, 3), dtype)
        x[1] = 0
        family.record(f"nonzero/{SHORT[dtype]}", "nonzero", [x], [a.astype(I32) for a in np.nonzero(x)])
        family.record(f"argwhere/{SHORT[dtype]}", "argwhere", [x], np.argwhere(x).astype(I32))
        family.record(f"flatnonzero/{SHORT[dtype]}", "flatnonzero", [x], np.flatnonzero(x).astype(I32))
    for dtype in FLOATS:
        x = normal("oh", (2, 2), dtype)
        family.call(f"diagonal-set/{SHORT[dtype]}", "indexSet", lambda x, _, v: x.at[ints(0, 1), ints(0, 1)].set(v),
                    [x, Index(ints(0, 1), ints(0, 1)).json(), normal("ohv", (2,), dtype)])


def build():
    family = Family("indexing")
    reading(family)
    writing(family)
    taking(family)
    return family
