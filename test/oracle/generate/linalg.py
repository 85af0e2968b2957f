"""Decompositions, systems of equations and determinants."""

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np

from .cases import FLOATS, SHORT, Family, Raw, normal, wide

BATCHES = [(1, 1), (2, 2), (3, 3), (5, 5), (2, 3, 3), (2, 1, 4, 4)]


def label(*shapes):
    return ",".join("x".join(map(str, s)) for s in shapes)


def lu(x):
    """As jax.scipy.linalg.lu, which takes no batch."""
    factors, _, permutation = jax.lax.linalg.lu(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    p = jnp.swapaxes(jax.nn.one_hot(permutation, m, dtype=x.dtype), -1, -2)
    return p, jnp.tril(factors[..., :k], -1) + jnp.eye(m, k, dtype=x.dtype), jnp.triu(factors[..., :k, :])


def general(id, shape, dtype):
    """Far from singular, with rows that must be exchanged."""
    m, n = shape[-2:]
    a = normal(id, shape, dtype, 0.5) + 3 * np.eye(m, n, dtype=dtype)
    return np.round(np.roll(a, 1, axis=-2), 3).astype(dtype)


def positive(id, shape, dtype):
    x = normal(id, shape, np.dtype("float64"), 0.5)
    return np.round(x @ np.swapaxes(x, -1, -2) + 2 * np.eye(shape[-1]), 3).astype(dtype)


def decompositions(family, dtype):
    short = SHORT[dtype]
    for shape in BATCHES:
        id = f"cholesky/{short}/{label(shape)}"
        a = positive(id, shape, dtype)
        family.call(id, "cholesky", jnp.linalg.cholesky, [a])
        skew = np.round(a + np.triu(normal(id, shape, dtype, 0.1), 1), 3).astype(dtype)
        family.call(f"{id}/symmetrized", "cholesky", jnp.linalg.cholesky, [skew], note="(a + aᵀ)/2 is decomposed")
        family.call(f"{id}/upper", "cholesky", lambda x: jnp.linalg.cholesky(x, upper=True), [a], opts={"upper": True})
        b = normal(f"{id}b", (*shape[:-1], 2), dtype)
        l = np.linalg.cholesky(a.astype(float)).astype(dtype)
        family.call(f"choSolve/{short}/{label(shape)}", "choSolve", lambda f, y: jsl.cho_solve((f, True), y), [l, b], opts={"lower": True})
    id = f"cholesky/{short}/indefinite"
    family.record(id, "cholesky", [np.asarray([[1, 2], [2, 1]], dtype)], np.asarray([[np.nan, 0], [np.nan, np.nan]], dtype))
    got = np.asarray(jnp.linalg.cholesky(jnp.asarray([[1.0, 2.0], [2.0, 1.0]])))
    assert np.array_equal(got, [[np.nan, 0], [np.nan, np.nan]], equal_nan=True) or np.isnan(got).all(), got
    for shape in [*BATCHES, (4, 2), (2, 5), (2, 4, 3)]:
        id = f"lu/{short}/{label(shape)}"
        a = general(id, shape, dtype)
        family.call(id, "lu", lu, [a])
        family.call(f"luFactor/{short}/{label(shape)}", "luFactor", jsl.lu_factor, [a])
        if shape[-1] == shape[-2]:
            factors, piv = jsl.lu_factor(a.astype(float))
            b = normal(f"{id}b", (*shape[:-1], 3), dtype)
            family.call(f"luSolve/{short}/{label(shape)}", "luSolve", lambda f, y: jsl.lu_solve((f[0], f[1]), y),
                        [[np.asarray(factors).astype(dtype), np.asarray(piv)], b], grad=False)
        for mode in ("reduced", "complete"):
            id = f"qr/{short}/{label(shape)}/{mode}"
            tall, wider = shape[-2] > shape[-1], shape[-2] < shape[-1]
            family.call(id, "qr", lambda x: tuple(jnp.linalg.qr(x, mode=mode)), [general(id, shape, dtype)], opts={"mode": mode},
                        grad=not (wider or (tall and mode == "complete")))


def systems(family, dtype):
    short = SHORT[dtype]
    for s, t in [((1, 1), (1,)), ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 2)), ((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (2, 3, 1)), ((6, 6), (6, 9))]:
        id = f"solve/{short}/{label(s, t)}"
        a, b = general(id, s, dtype), normal(f"{id}b", t, dtype)
        family.call(id, "solve", jnp.linalg.solve, [a, b])
        if len(s) > 2 and s[:-2] != t[:-2]:
            continue
        for lower in (False, True):
            for trans in (0, 1):
                for unit in (False, True):
                    id = f"solveTriangular/{short}/{label(s, t)}/{lower}-{trans}-{unit}"
                    if len(s) > 2 and len(t) == 1:
                        continue
                    a = np.round(normal(id, s, dtype, 0.5) + 2 * np.eye(s[-1]), 3).astype(dtype)
                    family.call(id, "solveTriangular", lambda x, y: jsl.solve_triangular(x, y, trans=trans, lower=lower, unit_diagonal=unit), [a, b],
                                opts={"lower": lower, "trans": trans, "unitDiagonal": unit})
    for shape in BATCHES:
        for fn, f in {"inv": jnp.linalg.inv, "det": jnp.linalg.det, "logAbsDet": lambda x: jnp.linalg.slogdet(x)[1]}.items():
            id = f"{fn}/{short}/{label(shape)}"
            family.call(id, fn, f, [general(id, shape, dtype)])
        id = f"slogdet/{short}/{label(shape)}"
        family.call(id, "slogdet", jnp.linalg.slogdet, [general(id, shape, dtype)], grad=False)
    singular = np.asarray([[1, 2], [2, 4]], dtype)
    family.call(f"det/{short}/singular", "det", jnp.linalg.det, [singular], note="the derivative is the matrix of cofactors")
    third = np.asarray([[1, 2, 3], [2, 4, 7], [3, 6, 1]], dtype)
    family.call(f"det/{short}/rank2", "det", jnp.linalg.det, [third], note="the derivative is the matrix of cofactors")
    family.call(f"slogdet/{short}/singular", "slogdet", jnp.linalg.slogdet, [singular], grad=False)
    family.call(f"solve/{short}/singular", "solve", jnp.linalg.solve, [singular, np.asarray([1, 1], dtype)], grad=False)
    family.call(f"inv/{short}/singular", "inv", jnp.linalg.inv, [singular], grad=False)


def second(family, dtype):
    """H·v of Σ fᵢ² at a, for v = cos(1, 2, …)."""
    functions = {
        "cholesky": (jnp.linalg.cholesky, positive), "lu": (lambda x: lu(x)[1:], general), "qr": (lambda x: tuple(jnp.linalg.qr(x)), general),
        "inv": (jnp.linalg.inv, general), "det": (jnp.linalg.det, general), "logAbsDet": (lambda x: jnp.linalg.slogdet(x)[1], general),
    }
    for fn, (f, make) in functions.items():
        for shape in [(1, 1), (3, 3), (2, 3, 3)] + ([(4, 2)] if fn == "qr" else []):
            id = f"second/{fn}/{SHORT[dtype]}/{label(shape)}"
            a = make(id, shape, dtype)
            weights = lambda leaf: jnp.sin(1.0 + jnp.arange(leaf.size)).reshape(leaf.shape)
            loss = lambda x: sum(jnp.sum(leaf * leaf * weights(leaf)) for leaf in jax.tree.leaves(f(x)))
            v = np.round(np.cos(1.0 + np.arange(a.size)).reshape(shape), 3)
            _, out = jax.jvp(jax.grad(loss), (wide(a),), (jnp.asarray(v),))
            family.record(id, "second", [Raw(fn), a, v.astype(dtype)], np.asarray(out).astype(dtype))


def build():
    family = Family("linalg")
    for dtype in FLOATS:
        decompositions(family, dtype)
        systems(family, dtype)
        second(family, dtype)
    return family
