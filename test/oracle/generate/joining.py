"""Joining and splitting."""

import jax.numpy as jnp

from .cases import BOOL, FLOATS, I8, I32, SHORT, U8, U32, Family, Raw, normal, sample


def several(seed, shapes, dtype):
    return [sample(f"{seed}/{i}", s, dtype) for i, s in enumerate(shapes)]


def label(shapes, *more):
    return "-".join(["+".join("x".join(map(str, s)) or "0d" for s in shapes), *map(str, more)]).replace(" ", "")


def joins(family):
    for dtype in FLOATS:
        for shapes, axis in [
            ([(2, 3), (1, 3)], 0), ([(2, 3), (2, 1), (2, 2)], 1), ([(2, 3), (2, 2)], -1), ([(3,), (2,), (1,)], 0), ([(2, 2, 1), (2, 2, 2)], -1),
            ([(2, 1, 2), (2, 3, 2)], -2), ([(0, 2), (3, 2)], 0), ([(2, 0), (2, 0)], 1), ([(4,)], 0), ([(1, 1), (1, 1)], 1),
        ]:
            id = f"concatenate/{SHORT[dtype]}/{label(shapes, axis)}"
            family.call(id, "concatenate", lambda xs: jnp.concatenate(xs, axis=axis), [several(id, shapes, dtype)], opts={"axis": axis})
        id = f"concatenate/{SHORT[dtype]}/default"
        family.call(id, "concatenate", jnp.concatenate, [several(id, [(2, 2), (1, 2)], dtype)])
        for shapes, axis in [([(2, 3)] * 3, 0), ([(2, 3)] * 2, 1), ([(2, 3)] * 2, -1), ([(2, 3)] * 2, 2), ([()] * 3, 0), ([(1,)], 0), ([(0,)] * 2, 0), ([(0,)] * 2, -1)]:
            id = f"stack/{SHORT[dtype]}/{label(shapes, axis)}"
            family.call(id, "stack", lambda xs: jnp.stack(xs, axis=axis), [several(id, shapes, dtype)], opts={"axis": axis})
        for fn, f, rows in [
            ("hstack", jnp.hstack, [[(2,), (3,)], [(2, 1), (2, 3)], [(), ()]]),
            ("vstack", jnp.vstack, [[(3,), (3,)], [(1, 2), (3, 2)], [(), ()]]),
            ("dstack", jnp.dstack, [[(3,), (3,)], [(2, 2), (2, 2)]]),
            ("columnStack", jnp.column_stack, [[(3,), (3,)], [(2, 2), (2, 1)], [(3,), (3, 2)]]),
        ]:
            for shapes in rows:
                id = f"{fn}/{SHORT[dtype]}/{label(shapes)}"
                family.call(id, fn, f, [several(id, shapes, dtype)])
        id = f"append/{SHORT[dtype]}"
        family.call(id, "append", lambda x, y: jnp.append(x, y, axis=0), several(id, [(2, 2), (1, 2)], dtype), opts={"axis": 0})
    for dtype in (I32, U32, I8, U8, BOOL):
        id = f"concatenate/{SHORT[dtype]}"
        family.call(id, "concatenate", lambda xs: jnp.concatenate(xs, axis=1), [several(id, [(2, 1), (2, 2)], dtype)], opts={"axis": 1})
        id = f"stack/{SHORT[dtype]}"
        family.call(id, "stack", lambda xs: jnp.stack(xs, axis=1), [several(id, [(2,), (2,)], dtype)], opts={"axis": 1})


def splits(family):
    for dtype in FLOATS:
        for shape, at, axis in [
            ((6,), 3, 0), ((6,), [2, 5], 0), ((2, 4), 2, 1), ((2, 4), [1], -1), ((4, 2), [1, 3], 0), ((2, 3, 4), 4, -1), ((5,), [0, 2, 5], 0), ((3, 1), 1, 1),
        ]:
            id = f"split/{SHORT[dtype]}/{label([shape], at, axis)}"
            family.call(id, "split", lambda x, at: jnp.split(x, at, axis=axis), [normal(id, shape, dtype), Raw(at)], opts={"axis": axis})
        for at in (3, 2):
            id = f"arraySplit/{SHORT[dtype]}/{at}"
            family.call(id, "arraySplit", lambda x, at: jnp.array_split(x, at, axis=0), [normal(id, (7,), dtype), Raw(at)], opts={"axis": 0})
    for dtype in (I32, U8, BOOL):
        id = f"split/{SHORT[dtype]}"
        family.call(id, "split", lambda x, at: jnp.split(x, at, axis=0), [sample(id, (4, 2), dtype), Raw(2)], opts={"axis": 0})


def build():
    family = Family("joining")
    joins(family)
    splits(family)
    return family
