"""Special functions of src/numpy/special.ts: true values and derivatives from mpmath."""

import jax.numpy as jnp
import jax.scipy.special as jsp
import mpmath as mp
import numpy as np
import scipy.special as sp

from . import exact
from .cases import F32, F64, FLOATS, SHORT, Family, Raw, cotangent_for, uniform
from .elementwise import agree

BITS = 300


def lower(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def beta(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def ndtri(p):
    """The root of log Φ(z) = log p on the left, by symmetry on the right."""
    left, sign = (p, 1) if p < 0.5 else (1 - p, -1)
    if left in (0, 0.5):
        return sign * (mp.mpf(0) if left else -mp.inf)
    start = -mp.sqrt(-2 * mp.log(left)) if left < 0.1 else mp.mpf(-0.3)
    return sign * mp.findroot(lambda z: log_ndtr(z) - mp.log(left), start)


# name: (true, SciPy for special operands, JAX or None where it lacks a derivative, intervals, more points, ULP)
FUNCTIONS = {
    "gammainc": (lower, sp.gammainc, jsp.gammainc, [(0.3, 6), (0.2, 9)],
                 [(1e-3, 0.5), (40, 35), (200, 230), (1e4, 9900), (0.5, 30), (1, 0), (0, 1), (2, np.inf), (2, np.nan), (3, 1e-10)], 16),
    "gammaincc": (upper, sp.gammaincc, jsp.gammaincc, [(0.3, 6), (0.2, 9)],
                  [(1e-3, 0.5), (40, 35), (200, 230), (1e4, 9900), (0.5, 30), (1, 0), (0, 1), (2, np.inf), (2, np.nan), (3, 1e-10)], 16),
    "betainc": (beta, sp.betainc, None, [(0.3, 6), (0.3, 6), (0.1, 0.9)],
                [(0.01, 0.02, 0.3), (40, 50, 0.4), (500, 3, 0.99), (0.5, 4000, 1e-4), (2, 3, 0), (2, 3, 1), (2, 3, np.nan), (1, 1, 0.25)], 32),
    "i0": (lambda x: mp.besseli(0, x), sp.i0, jsp.i0, [(-6, 6)], [(0,), (1e-10,), (7.99,), (8,), (50,), (-12,), (700,), (np.nan,)], 6),
    "i1": (lambda x: mp.besseli(1, x), sp.i1, jsp.i1, [(-6, 6)], [(0,), (1e-10,), (7.99,), (8,), (50,), (-12,), (700,), (np.nan,)], 6),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), sp.i0e, jsp.i0e, [(0.2, 6)], [(0,), (1e-10,), (7.99,), (8,), (50,), (-12,), (1e10,), (np.nan,)], 6),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), sp.i1e, jsp.i1e, [(0.2, 6)], [(0,), (1e-10,), (7.99,), (8,), (50,), (-12,), (1e10,), (np.nan,)], 6),
    "logNdtr": (log_ndtr, sp.log_ndtr, lambda x: jsp.log_ndtr(x), [(-4, 4)], [(0,), (-20,), (-37.5,), (-1000,), (8,), (np.nan,)], 4),
    "ndtri": (ndtri, sp.ndtri, jsp.ndtri, [(0.15, 0.85)], [(1e-30,), (1e-3,), (0.999,), (0,), (1,), (np.nan,), (0.03,)], 4),
}


def slope_at(true, place, xs):
    """Positive results near 0 or 1 need many digits for the difference quotient."""
    with mp.workprec(600):
        return [mp.diff(true, tuple(map(mp.mpf, map(float, at))), tuple(int(i == place) for i in range(len(at)))) for at in zip(*(x.ravel() for x in xs))]


def functions(family):
    for name, (true, reference, jax_f, intervals, more, ulp) in FUNCTIONS.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            if dtype == F32:
                kept = [p for p in more if not np.isinf(np.asarray(reference(*map(np.float64, p)), F32)) or max(map(abs, p)) == np.inf]
            else:
                kept = more
            points = [np.asarray(column, dtype) for column in zip(*kept)]
            out = exact.apply(true, reference, *points, bits=BITS)
            family.record(f"{name}/{short}/points", name, points, out, ulp=1 if dtype == F32 else ulp)
            id = f"{name}/{short}/regular"
            xs = [uniform(f"{id}{i}", (2, 4), lo, hi, dtype) for i, (lo, hi) in enumerate(intervals)]
            out = exact.apply(true, reference, *xs, bits=BITS)
            ct = cotangent_for(out, id)
            gradients = []
            for place in range(len(xs)):
                products = [mp.mpf(float(c)) * s for c, s in zip(ct.ravel(), slope_at(true, place, xs))]
                gradients.append(np.array([exact.rounded(p, dtype) for p in products], dtype).reshape(ct.shape))
            if jax_f is not None:
                agree(id, jax_f, xs, ct, gradients)
            family.record(id, name, xs, out, vjp=(ct, list(range(len(xs))), gradients), ulp=1 if dtype == F32 else ulp)


def polygammas(family):
    for dtype in FLOATS:
        for n in (0, 1, 2, 3, 4):
            id = f"polygamma/{SHORT[dtype]}/{n}"
            x = uniform(id, (2, 4), 0.3, 9, dtype)
            ct = cotangent_for(x, id)
            out = np.array([exact.rounded(mp.psi(n, mp.mpf(float(v))), dtype) for v in x.ravel()], dtype).reshape(x.shape)
            slopes = [mp.mpf(float(c)) * mp.psi(n + 1, mp.mpf(float(v))) for c, v in zip(ct.ravel(), x.ravel())]
            gradient = np.array([exact.rounded(s, dtype) for s in slopes], dtype).reshape(x.shape)
            agree(id, lambda z: jsp.polygamma(n, z), [x], ct, [gradient])
            family.record(id, "polygamma", [Raw(n), x], out, vjp=(ct, [1], [gradient]), ulp=16)
            below = np.asarray([-0.5, -1.3, -2.6, -7.25], dtype)
            out = np.array([exact.rounded(mp.psi(n, mp.mpf(float(v))), dtype) for v in below], dtype)
            # Even orders have roots between the poles.
            if n % 2 == 1:
                family.record(f"{id}/negative", "polygamma", [Raw(n), below], out, ulp=32)


def second(family):
    """As in second.py, of the functions that JAX has no or poor second derivatives of: mixed ones by mpmath."""
    cases = {
        "gammainc": (lower, [[0.7, 2.5, 6.0], [0.4, 3.0, 5.0]]),
        "gammaincc": (upper, [[0.7, 2.5, 6.0], [0.4, 3.0, 5.0]]),
        "betainc": (beta, [[0.7, 2.5, 6.0], [1.2, 0.8, 3.0], [0.2, 0.6, 0.7]]),
        "i0e": (FUNCTIONS["i0e"][0], [[0.4, 3.0, 9.0]]),
        "i1e": (FUNCTIONS["i1e"][0], [[0.4, 3.0, 9.0]]),
        "i1": (FUNCTIONS["i1"][0], [[-0.4, 3.0, 9.0]]),
        "lgamma": (mp.loggamma, [[0.4, 3.0, 9.0]]),
        "digamma": (mp.digamma, [[0.4, 3.0, 9.0]]),
        "logNdtr": (log_ndtr, [[-40.0, -1.0, 3.0]]),
        "ndtri": (ndtri, [[0.01, 0.3, 0.9]]),
    }
    for name, (true, columns) in cases.items():
        xs = [np.asarray(c, F64) for c in columns]
        vs = [np.asarray([0.5, -1.25, 0.75], F64) * (i + 1) for i in range(len(xs))]
        ct = np.asarray([1.5, -0.5, 2.0], F64)
        slopes = []
        for i in range(len(xs)):
            row = []
            for at, v, c in zip(zip(*columns), zip(*vs), ct):
                total = mp.mpf(0)
                with mp.workprec(900):
                    for j in range(len(xs)):
                        order = [0] * len(xs)
                        order[i] += 1
                        order[j] += 1
                        total += mp.mpf(float(v[j])) * mp.diff(true, tuple(map(mp.mpf, at)), tuple(order))
                row.append(float(total * float(c)))
            slopes.append(np.asarray(row))
        family.record(f"second/{name}", f"second:{name}", [xs, vs, ct], slopes if len(slopes) > 1 else slopes[0], ulp=4096)


def build():
    mp.mp.prec = BITS
    family = Family("special")
    functions(family)
    polygammas(family)
    second(family)
    return family
