"""Largest errors of the functions of src/numpy/special.ts, as the table in docs/accuracy.md.

python tools/coefficients/measure_special.py [-v]   needs mpmath and numpy, and dist (npm run build); about 20 seconds
"""

import json
import subprocess
import sys
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.prec = 300
rng = np.random.default_rng(1)
FORMATS = {"float64": (53, -1022), "float32": (24, -126)}


def spread(low, high, n=300):
    """Evenly in the logarithm."""
    return 10 ** rng.uniform(np.log10(low), np.log10(high), n)


def lower(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def beta(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def ndtri(p):
    left, sign = (p, 1) if p < 0.5 else (1 - p, -1)
    start = -mp.sqrt(-2 * mp.log(left)) if left < 0.1 else mp.mpf(0)
    return sign * mp.findroot(lambda z: log_ndtr(z) - mp.log(left), start)


def bessel(order, scaled):
    return lambda x: mp.besseli(order, x) * (mp.exp(-abs(x)) if scaled else 1)


def partial(f, place):
    def slope(*xs):
        with mp.workprec(1200):
            return mp.diff(f, xs, tuple(int(i == place) for i in range(len(xs))))

    return slope


def jobs():
    a, wide = rng.uniform(1, 100, 300), spread(100, 1e5, 60)
    gammas = [
        ("a [1e-3, 1], x [1e-4, 20]", spread(1e-3, 1), spread(1e-4, 20)),
        ("a [1, 100], x = a·[0.1, 3]", a, a * rng.uniform(0.1, 3, 300)),
        ("a [100, 1e5], x = a ± 5√a", wide, wide + np.sqrt(wide) * rng.uniform(-5, 5, 60)),
    ]
    for label, *args in gammas:
        yield "gammainc", label, lower, args, {}
        yield "gammaincc", label, upper, args, {}
    small, large = spread(0.1, 2, 100), spread(10, 1e4, 100)
    betas = [
        ("a, b [1e-2, 5], x [1e-3, 0.999]", spread(1e-2, 5), spread(1e-2, 5), rng.uniform(1e-3, 0.999, 300)),
        ("a, b [1, 200], x [1e-3, 0.999]", rng.uniform(1, 200, 300), rng.uniform(1, 200, 300), rng.uniform(1e-3, 0.999, 300)),
        ("a [0.1, 2], b [10, 1e4], x = mean·[0.1, 5]", small, large, small / (small + large) * rng.uniform(0.1, 5, 100)),
    ]
    for label, *args in betas:
        yield "betainc", label, beta, args, {}
    signs = rng.choice([-1, 1], 300)
    for order in (0, 1):
        for scaled, end in ((False, 80), (True, 700)):
            name = f"i{order}{'e' if scaled else ''}"
            yield name, "±[1e-5, 8]", bessel(order, scaled), [spread(1e-5, 8) * signs], {}
            yield name, f"±[8, {end}]", bessel(order, scaled), [spread(8, end) * signs], {}
    for n in (1, 2, 3, 5):
        for label, x in (("[1e-3, 1]", spread(1e-3, 1)), ("[1, 1e4]", spread(1, 1e4)), ("[-10, 0]", rng.uniform(-10, 0, 300))):
            yield "polygamma", f"n = {n}, {label}", lambda x, n=n: mp.psi(n, x), [x], {"n": n}
    for label, x in (("[-1e6, -37]", -spread(37, 1e6)), ("[-37, 0]", rng.uniform(-37, 0, 300)), ("[0, 8]", rng.uniform(0, 8, 300))):
        yield "logNdtr", label, log_ndtr, [x], {}
    for label, p in (("[1e-30, 0.1]", spread(1e-30, 0.1)), ("[0.1, 0.9]", rng.uniform(0.1, 0.9, 300))):
        yield "ndtri", label, ndtri, [p], {}
    for label, *args in gammas[:2]:
        for place, name in enumerate("ax"):
            yield "gammainc", f"∂/∂{name}, {label}", partial(lower, place), [x[:60] for x in args], {"wrt": [place]}
    for label, *args in betas[:2]:
        for place, name in enumerate("abx"):
            yield "betainc", f"∂/∂{name}, {label}", partial(beta, place), [x[:60] for x in args], {"wrt": [place]}


def worst(true, args, results, dtype):
    """In units in the last place of the true value, with the place of the largest."""
    digits, least = FORMATS[dtype]
    most, where = mp.mpf(0), None
    for i, text in enumerate(results):
        xs = [mp.mpf(float(x[i])) for x in args]
        exact = true(*xs)
        if abs(exact) < mp.mpf(2) ** least:
            continue
        found = mp.mpf(text.replace("Infinity", "inf").replace("NaN", "nan"))
        error = abs(found - exact) / mp.mpf(2) ** (mp.frexp(exact)[1] - digits)
        if not error <= most:
            most, where = error, (*map(float, xs), text, mp.nstr(exact, 17))
    return most, where


def main():
    rows, asked = [], []
    for fn, label, true, args, more in jobs():
        for dtype in FORMATS:
            points = [np.asarray(x, dtype) for x in args]
            rows.append((fn, label, true, points, dtype))
            asked.append({"fn": fn, "dtype": dtype, "args": [[float(v) for v in x] for x in points], **more})
    script = Path(__file__).parent.parent / "accuracy/functions.mjs"
    run = subprocess.run(["node", script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    table = {}
    for (fn, label, true, points, dtype), results in zip(rows, json.loads(run.stdout)):
        most, where = worst(true, points, results, dtype)
        table.setdefault((fn, label), []).append(f"{float(most):.2f}")
        if "-v" in sys.argv:
            print(fn, label, dtype, f"{float(most):.2f}", where, file=sys.stderr)
    print("| function | range | max ULP float64 | max ULP float32 |\n|---|---|--:|--:|")
    for (fn, label), cells in table.items():
        print(f"| `{fn}` | {label} | {' | '.join(cells)} |")


main()
