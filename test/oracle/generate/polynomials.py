"""Polynomials, interpolation, differences, histograms and one-dimensional convolution."""

import jax.numpy as jnp
import numpy as np

from .cases import F64, FLOATS, I32, SHORT, Family, normal, sample


def polynomials(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for c, s in [((3,), (4,)), ((1,), (2,)), ((5,), ()), ((4,), (2, 3)), ((3,), (0,))]:
            id = f"polyval/{short}/{c}-{s}".replace(" ", "")
            family.call(id, "polyval", jnp.polyval, [normal(id + "c", c, dtype), normal(id + "x", s, dtype)])
        a, b = normal("pa", (3,), dtype), normal("pb", (4,), dtype)
        for fn, f in {"polyadd": jnp.polyadd, "polysub": jnp.polysub, "polymul": jnp.polymul}.items():
            family.call(f"{fn}/{short}", fn, f, [a, b])
        for m in (1, 2):
            family.call(f"polyder/{short}/{m}", "polyder", lambda p: jnp.polyder(p, m), [b], opts={"m": m})
            family.call(f"polyint/{short}/{m}", "polyint", lambda p: jnp.polyint(p, m), [b], opts={"m": m})
        family.call(f"vander/{short}", "vander", lambda x: jnp.vander(x, 4), [normal("va", (3,), dtype)], opts={"n": 4})
        family.call(f"vander/{short}/increasing", "vander", lambda x: jnp.vander(x, 3, increasing=True), [normal("va", (3,), dtype)], opts={"n": 3, "increasing": True})


def interpolation(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        xp, fp = np.asarray([-2, -0.5, 1, 3], dtype), normal("fp", (4,), dtype)
        inside = np.asarray([-1.75, -0.25, 0.5, 2.75, 1.25], dtype)
        # At a knot the slope in x is one-sided: inside points only have a vjp.
        family.call(f"interp/{short}/inside", "interp", jnp.interp, [inside, xp, fp])
        family.call(f"interp/{short}/2d", "interp", jnp.interp, [inside[:4].reshape(2, 2), xp, fp])
        outside = np.asarray([-9, -2, -0.5, 3, 4, 1], dtype)
        family.call(f"interp/{short}/outside", "interp", jnp.interp, [outside, xp, fp], grad=False)
        family.call(f"interp/{short}/left-right", "interp", lambda x, a, b: jnp.interp(x, a, b, left=-7, right=7), [outside, xp, fp], opts={"left": -7, "right": 7}, grad=False)
        family.call(f"interp/{short}/period", "interp", lambda x, a, b: jnp.interp(x, a, b, period=6), [outside + dtype.type(0.25), xp, fp], opts={"period": 6}, grad=False)
        family.call(f"interp/{short}/0d", "interp", jnp.interp, [inside[2], xp, fp])
        bad = np.asarray([np.nan, np.inf, -np.inf], dtype)
        family.record(f"interp/{short}/awkward", "interp", [bad, xp, fp], np.interp(bad, xp, fp).astype(dtype))


def histograms(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        x = np.asarray([0, 0.25, 0.5, 0.5, 1, 1.75, 2, 3, 3.99, 4, 4.5, -1], dtype)
        for opts in ({"bins": 4, "range": [0, 4]}, {"bins": 2, "range": [-1, 1]}, {"bins": 11}):
            kw = {k: tuple(v) if isinstance(v, list) else v for k, v in opts.items()}
            counts, edges = np.histogram(x.astype(F64), **kw)
            family.record(f"histogram/{short}/{opts}".replace(" ", "").replace("'", ""), "histogram", [x], [counts.astype(I32), edges.astype(dtype)], opts=opts, note="counts are int32; the last bin is closed")
        edges = np.asarray([0, 1, 1.5, 4], dtype)
        family.record(f"histogram/{short}/edges", "histogram", [x], [np.histogram(x, edges)[0].astype(I32), edges], opts={"bins": [0, 1, 1.5, 4]})
        family.record(f"histogram/{short}/density", "histogram", [x], [np.histogram(x, edges, density=True)[0].astype(dtype), edges], opts={"bins": [0, 1, 1.5, 4], "density": True})
        w = normal("hw", (12,), dtype)
        family.record(f"histogram/{short}/weights", "histogram", [x], [np.histogram(x.astype(F64), edges, weights=w.astype(F64))[0].astype(dtype), edges],
                      opts={"bins": [0, 1, 1.5, 4], "weights": [float(str(v)) for v in w]})


def sliding(family):
    for dtype in FLOATS:
        short = SHORT[dtype]
        for n, m in [(5, 3), (3, 5), (4, 4), (1, 3), (6, 1)]:
            for mode in ("full", "same", "valid"):
                for fn, f in {"convolve": jnp.convolve, "correlate": jnp.correlate}.items():
                    if fn == "correlate" and dtype == F64 and mode == "same":
                        continue
                    id = f"{fn}/{short}/{n}-{m}/{mode}"
                    family.call(id, fn, lambda a, b: f(a, b, mode=mode), [normal(id + "a", (n,), dtype), normal(id + "b", (m,), dtype)], opts={"mode": mode})
        for shape, opts in [((5,), {}), ((5,), {"n": 2}), ((5,), {"n": 0}), ((2, 4), {}), ((3, 4), {"axis": 0}), ((3, 4), {"n": 3, "axis": 1}), ((1,), {}), ((3, 4), {"n": 2, "axis": -2}), ((2, 2), {"n": 3})]:
            id = f"diff/{short}/{list(shape)}-{'-'.join(f'{k}{v}' for k, v in opts.items())}".replace(" ", "")
            family.call(id, "diff", lambda x: jnp.diff(x, **opts), [normal(id, shape, dtype)], opts=opts)
        family.call(f"ediff1d/{short}", "ediff1d", jnp.ediff1d, [normal("ed", (5,), dtype)])
        family.call(f"trapezoid/{short}", "trapezoid", jnp.trapezoid, [normal("tz", (5,), dtype)])
        family.call(f"trapezoid/{short}/dx", "trapezoid", lambda y: jnp.trapezoid(y, dx=0.5, axis=0), [normal("tz2", (3, 2), dtype)], opts={"dx": 0.5, "axis": 0})
        family.call(f"trapezoid/{short}/x", "trapezoid", jnp.trapezoid, [normal("tz", (4,), dtype), np.asarray([0, 1, 1.5, 4], dtype)])
        family.call(f"gradient/{short}", "gradient", jnp.gradient, [normal("gr", (6,), dtype)])
        family.call(f"gradient/{short}/axis0", "gradient", lambda x: jnp.gradient(x, axis=0), [normal("gr2", (4, 2), dtype)], opts={"axis": 0})
        family.call(f"unwrap/{short}", "unwrap", jnp.unwrap, [np.asarray([0, 1, 6.5, 7, 0.5, -3], dtype)], grad=False)
    x = sample("di", (5,), I32)
    family.record("diff/i32", "diff", [x], np.diff(x))
    family.record("convolve/i32", "convolve", [x, x[:2]], np.convolve(x, x[:2]).astype(I32), opts={"mode": "full"})


def build():
    family = Family("polynomials")
    polynomials(family)
    interpolation(family)
    histograms(family)
    sliding(family)
    return family
