"""Products of matrices and tensors."""

import jax.numpy as jnp
import numpy as np

from .cases import F32, FLOATS, I8, I32, SHORT, U8, U32, Family, Raw, normal, sample

MATMUL = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((1, 3), (3, 1)), ((1, 1), (1, 1)), ((5, 2, 3), (5, 3, 2)), ((2, 3), (4, 3, 2)), ((4, 2, 3), (3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((1, 2, 3), (4, 3, 1)), ((7, 5), (5, 6)), ((2, 3, 1, 4), (1, 3, 4, 2)),
]
DOT = [((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 2)), ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((3,), (2, 3, 2)), ((), ())]
TENSORDOT = [((2, 3), (3, 4), 1), ((2, 3), (2, 3), 2), ((2,), (3,), 0), ((2, 3, 4), (4, 3, 2), [[1, 2], [1, 0]]), ((2, 3, 4), (3, 5), [[1], [0]]), ((3, 2), (3, 4), [[0], [0]]), ((2, 3), (3, 2), [[-1], [0]]), ((2, 3, 2), (2, 3, 2), 3)]

EINSUM = [
    ("i->i", (3,)), ("i->", (3,)), ("ij->ji", (2, 3)), ("ij->i", (2, 3)), ("ij->j", (2, 3)), ("ij->", (2, 3)), ("ii->i", (3, 3)), ("ii->", (3, 3)), ("ii", (3, 3)), ("ba", (2, 3)),
    ("ijk->kij", (2, 3, 4)), ("iij->j", (2, 2, 3)), ("iji->j", (2, 3, 2)), ("iijj->ij", (2, 2, 3, 3)), ("...ij->...ji", (2, 3, 4)), ("...->...", (2, 3)), ("i...->...", (2, 3)), ("...ii->...", (2, 3, 3)),
    ("i,i->", (3,), (3,)), ("i,i", (3,), (3,)), ("i,i->i", (3,), (3,)), ("i,j->ij", (2,), (3,)), ("i,j->ji", (2,), (3,)), ("i,j->", (2,), (3,)), ("ij,j->i", (2, 3), (3,)), ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)), ("ij,kj->ik", (2, 3), (4, 3)), ("ji,jk->ki", (3, 2), (3, 4)), ("ij,ij->", (2, 3), (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)), ("ij,ji->", (2, 3), (3, 2)), ("ij,i->ij", (2, 3), (2,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("bhqd,bhkd->bhqk", (2, 2, 3, 2), (2, 2, 2, 2)), ("bqhd,bkhd->bhqk", (2, 3, 2, 2), (2, 2, 2, 2)), ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)), ("...i,...i->...", (2, 3), (3,)),
    ("...i,ij->...j", (2, 2, 3), (3, 4)), ("ijk,ilk->ijl", (2, 3, 2), (2, 2, 2)), ("ijk,k->ij", (2, 3, 4), (4,)), ("ijkl,kl->ij", (2, 2, 3, 2), (3, 2)), ("ij,kl->ijkl", (2, 2), (2, 3)), ("ij,kl->", (2, 2), (2, 3)), ("ii,i->i", (3, 3), (3,)),
    ("ij,jj->i", (2, 3), (3, 3)), ("i,ij,j->", (2,), (2, 3), (3,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)), ("i,j,k->ijk", (2,), (3,), (2,)), ("bi,oij,bj->bo", (2, 3), (2, 3, 2), (2, 2)), ("ij,ij,ij->", (2, 3), (2, 3), (2, 3)),
    ("ij,jk,kl,lm->im", (2, 2), (2, 3), (3, 2), (2, 2)), ("a,ab,abc->abc", (2,), (2, 3), (2, 3, 2)), (" i j , j k -> i k ", (2, 3), (3, 2)), ("i,->i", (3,), ()), (",->", (), ()), ("ij,jk->ik", (2, 0), (0, 3)), ("iI,Ij->ij", (2, 3), (3, 2)), ("ab,cb->a", (2, 3), (2, 3)),
]


def label(*shapes):
    return ",".join("x".join(map(str, s)) or "0d" for s in shapes)


def pair(id, s, t, dtype):
    return [sample(id + "a", s, dtype), sample(id + "b", t, dtype)]


def matrices(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for s, t in MATMUL:
            id = f"matmul/{short}/{label(s, t)}"
            family.call(id, "matmul", jnp.matmul, pair(id, s, t, dtype))
        for s, t in DOT:
            id = f"dot/{short}/{label(s, t)}"
            family.call(id, "dot", jnp.dot, pair(id, s, t, dtype))
        for s, t, over in TENSORDOT:
            id = f"tensordot/{short}/{label(s, t)}/{over}".replace(" ", "")
            family.call(id, "tensordot", lambda a, b: jnp.tensordot(a, b, axes=over), pair(id, s, t, dtype), opts={"axes": over})
        for fn, f, rows in [
            ("inner", jnp.inner, [((3,), (3,)), ((2, 3), (4, 3)), ((2, 3), (3,)), ((), (3,))]), ("outer", jnp.outer, [((2,), (3,)), ((2, 2), (3,)), ((1,), (1,))]),
            ("vdot", jnp.vdot, [((3,), (3,)), ((2, 3), (2, 3))]), ("kron", jnp.kron, [((2,), (3,)), ((2, 2), (2, 3)), ((1, 2), (3,)), ((2, 1), (1, 2))]),
            ("cross", jnp.cross, [((3,), (3,)), ((4, 3), (4, 3)), ((4, 3), (3,))]), ("vecdot", jnp.vecdot, [((2, 3), (2, 3))]),
        ]:
            for s, t in rows:
                id = f"{fn}/{short}/{label(s, t)}"
                family.call(id, fn, f, pair(id, s, t, dtype))
    for dtype in (I32, U32, I8, U8):
        id = f"matmul/{SHORT[dtype]}"
        a, b = pair(id, (2, 3), (3, 2), dtype)
        out = a.astype(np.int64) @ b.astype(np.int64)
        if np.abs(out).max() <= np.iinfo(dtype).max:
            family.record(id, "matmul", [a, b], out.astype(dtype), note="stays in the dtype of the operands")
        id = f"einsum/{SHORT[dtype]}"
        if dtype == I32:
            family.record(id, "einsum", [Raw("ij,jk->ik"), a, b], (a @ b).astype(dtype))
            family.record(f"dot/{SHORT[dtype]}", "dot", [a, b], (a @ b).astype(dtype))
    for dtype in FLOATS:
        a, b = np.asarray([[1, np.inf], [np.nan, 2]], dtype), np.asarray([[0, 1], [1, 2]], dtype)
        with np.errstate(all="ignore"):
            family.record(f"matmul/{SHORT[dtype]}/awkward", "matmul", [a, b], a @ b, note="0·inf is NaN: no zero is skipped")
            family.record(f"matmul/{SHORT[dtype]}/awkward-left", "matmul", [b, a], b @ a, note="0·inf is NaN: no zero is skipped")


def einsums(family):
    for spec, *shapes in EINSUM:
        for dtype in FLOATS if len(shapes) > 1 else (F32,):
            id = f"einsum/{SHORT[dtype]}/{spec.replace(' ', '_')}/{label(*shapes)}"
            args = [normal(f"{id}{i}", s, dtype) for i, s in enumerate(shapes)]
            family.call(id, "einsum", lambda spec, *xs: jnp.einsum(spec, *xs), [Raw(spec), *args])


def diagonals(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for shape, opts in [((3, 3), {}), ((2, 4), {}), ((2, 4), {"offset": 1}), ((4, 2), {"offset": -1}), ((2, 3, 3), {"axis1": 1, "axis2": 2}), ((2, 3, 4), {"axis1": 0, "axis2": -1, "offset": 1})]:
            more = "-".join(f"{k}{v}" for k, v in opts.items())
            for fn, f in {"diagonal": jnp.diagonal, "trace": jnp.trace}.items():
                id = f"{fn}/{short}/{label(shape)}-{more}"
                family.call(id, fn, lambda x: f(x, **opts), [normal(id, shape, dtype)], opts=opts)
        for shape, k in [((3,), 0), ((3,), 1), ((2,), -2), ((3, 3), 0), ((2, 3), 1), ((3, 2), -1)]:
            id = f"diag/{short}/{label(shape)}-{k}"
            family.call(id, "diag", lambda x: jnp.diag(x, k), [normal(id, shape, dtype)], opts={"k": k})
        family.call(f"diagflat/{short}", "diagflat", jnp.diagflat, [normal("df", (2, 2), dtype)])
        family.call(f"matrixPower/{short}", "matrixPower", lambda x, n: jnp.linalg.matrix_power(x, n), [normal("mp", (3, 3), dtype), Raw(3)])
        family.call(f"multiDot/{short}", "multiDot", lambda xs: jnp.linalg.multi_dot(xs), [[normal("md1", (2, 3), dtype), normal("md2", (3, 4), dtype), normal("md3", (4, 2), dtype)]])
    x = sample("tr", (3, 3), I32)
    family.record("trace/i32", "trace", [x], np.trace(x).astype(I32))
    family.record("diagonal/i32", "diagonal", [x], np.diagonal(x))


def build():
    family = Family("products")
    matrices(family)
    einsums(family)
    diagonals(family)
    return family
