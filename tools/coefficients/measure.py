"""Measures the scalar functions against mpmath, in units in the last place (ULP).

    python measure.py                 every function; prints the table of docs/accuracy.md
    python measure.py Math.sin erf    only the functions whose name contains one of the words
    python measure.py -v erf          shows where the largest errors are
    python measure.py --oracle FILE   writes the points that test/backends/special.test.ts reads

An error is |computed - exact| / ulp(exact), where exact has at least 100 more bits than a float64 and ulp is the
spacing of the floats at exact; a correctly rounded result has at most 0.5. The float32 figure is that of
Math.fround(f(x)) on float32 arguments, in float32 ULP.
"""

import json
import pathlib
import subprocess
import sys
from multiprocessing import Pool

import mpmath as mp
import numpy as np

NODE = pathlib.Path(__file__).resolve().parent.parent / "accuracy" / "evaluate.mjs"
HUGE = 1.7976931348623157e308
mp.mp.prec = 300


def odd_series(f, cubic):
    """An odd function with f(x) = x + cubic x^3 + ...; below 2^-120 two terms are exact enough."""
    return lambda x: x + cubic * x**3 if abs(x) < mp.mpf(2) ** -120 else f(x)


def erfinv(y):
    """By Newton's method on erfc, from the leading terms."""
    q = 1 - abs(y)
    if q == 0:
        return mp.sign(y) * mp.inf
    if abs(y) < mp.mpf(2) ** -120:
        return y * mp.sqrt(mp.pi) / 2
    x = mp.mpf(estimate(float(abs(y)), float(q)))
    for _ in range(40):
        d = (mp.erfc(x) - q) * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
        x += d / (1 - x * d)
        if abs(d) < mp.mpf(2) ** -100 * x:
            break
    return mp.sign(y) * x


def estimate(y, q):
    return y if y < 0.9 else np.sqrt(-np.log(q))


def lgamma(x):
    if x <= 0 and x == mp.floor(x):
        return mp.inf
    return mp.re(mp.loggamma(x))


def digamma(x):
    return mp.nan if x < 0 and x == mp.floor(x) else mp.digamma(x)


FUNCTIONS = {
    "erf": mp.erf, "erfc": mp.erfc, "erfinv": erfinv, "lgamma": lgamma, "digamma": digamma,
    "exp": mp.exp, "expm1": mp.expm1, "log": mp.log, "log1p": mp.log1p, "log2": lambda x: mp.log(x) / mp.ln2,
    "log10": lambda x: mp.log(x) / mp.ln10, "sqrt": mp.sqrt, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": odd_series(mp.asin, mp.mpf(1) / 6),
    "acos": mp.acos, "atan": odd_series(mp.atan, -mp.mpf(1) / 3),
    "sinh": odd_series(mp.sinh, mp.mpf(1) / 6), "cosh": mp.cosh, "tanh": odd_series(mp.tanh, -mp.mpf(1) / 3),
    "asinh": odd_series(lambda x: mp.sign(x) * mp.log(abs(x) + mp.sqrt(x * x + 1)), -mp.mpf(1) / 6),
    "acosh": mp.acosh, "atanh": odd_series(mp.atanh, mp.mpf(1) / 3), "pow": mp.power, "atan2": mp.atan2,
}  # fmt: skip


# Points

rng = np.random.default_rng(20)
N = 20000


def lin(a, b, n=N):
    return rng.uniform(a, b, n)


def log(a, b, n=N):
    return np.exp2(rng.uniform(np.log2(a), np.log2(b), n))


def both(x):
    return x * rng.choice([-1.0, 1.0], len(x))


def subnormal(n=2000):
    return rng.integers(1, 2**52, n).view(np.float64)


def near(centres, n=N, reach=1e-1):
    """Points at distances from 1e-17 to reach, relative, of the centres."""
    c = rng.choice(np.asarray(centres, float), n)
    return c * (1 + both(log(1e-17, reach, n)))


def multiples(step, most, n=N):
    """The floats nearest to k * step, where a periodic function nearly vanishes."""
    k = np.unique(np.concatenate([np.arange(1, 2000), np.exp(rng.uniform(0, np.log(most), n)).astype(np.int64)]))
    return np.array([float(mp.mpf(int(v)) * step) for v in k])


def points(name):
    tiny = ("±subnormal", both(subnormal()))
    small = ("±[2e-308, 1e-3]", both(log(2.3e-308, 1e-3)))
    trigonometric = [small, ("±[1e-3, 10]", both(lin(1e-3, 10))), ("±[10, 1e6]", both(log(10, 1e6))),
        ("±[1e6, 1e22]", both(np.append(log(1e6, 1e22), [1e22] * 2))), ("±[1e22, 1.8e308]", both(np.append(log(1e22, HUGE), [1e300, HUGE]))),
        ("nearest to k·π/2", both(multiples(mp.pi / 2, 1e15)))]  # fmt: skip
    logarithm = [("subnormal", subnormal()), ("[2e-308, 0.5]", log(2.3e-308, 0.5)), ("[0.5, 2]", lin(0.5, 2)), ("near 1", near([1])), ("[2, 1.8e308]", log(2, HUGE))]  # fmt: skip
    unit = [tiny, small, ("±[1e-3, 0.5]", both(lin(1e-3, 0.5))), ("±[0.5, 1]", both(lin(0.5, 1))), ("near ±1", both(1 - log(1e-16, 1e-2)))]  # fmt: skip
    hyperbolic = [tiny, small, ("±[1e-3, 1]", both(lin(1e-3, 1))), ("±[1, 22]", both(lin(1, 22))), ("±[22, 709]", both(lin(22, 709)))]  # fmt: skip
    overflow = ("±[709, 711]", both(lin(709, 711)))
    grown = [tiny, small, ("±[1e-3, 1]", both(lin(1e-3, 1))), ("±[1, 100]", both(lin(1, 100))), ("±[100, 1.8e308]", both(log(100, HUGE)))]  # fmt: skip
    return {
        "exp": [small, ("±[1e-3, 1]", both(lin(1e-3, 1))), ("±[1, 708]", both(lin(1, 708))), ("[708, 710]", lin(708, 710)), ("[-746, -708] (subnormal)", lin(-746, -708))],
        "expm1": [tiny, small, ("±[1e-3, 1]", both(lin(1e-3, 1))), ("±[1, 40]", both(lin(1, 40))), ("[40, 710]", lin(40, 710))],
        "log": logarithm, "log2": logarithm, "log10": logarithm,
        "log1p": [tiny, small, ("±[1e-3, 0.5]", both(lin(1e-3, 0.5))), ("[-1, -0.5]", -1 + log(1e-16, 0.5)), ("[0.5, 100]", lin(0.5, 100)), ("[100, 1.8e308]", log(100, HUGE))],
        "sqrt": [("subnormal", subnormal()), ("[2e-308, 1.8e308]", log(2.3e-308, HUGE))],
        "cbrt": [tiny, ("±[2e-308, 1.8e308]", both(log(2.3e-308, HUGE))), ("±[1, 8]", both(lin(1, 8)))],
        "sin": trigonometric, "cos": trigonometric, "tan": trigonometric,
        "asin": unit, "acos": unit, "atanh": unit,
        "atan": grown, "asinh": grown, "tanh": hyperbolic[:4], "sinh": hyperbolic + [overflow], "cosh": hyperbolic + [overflow],
        "acosh": [("near 1", 1 + log(2.3e-16, 1e-2)), ("[1, 3]", lin(1, 3)), ("[3, 1000]", lin(3, 1000)), ("[1000, 1.8e308]", log(1e3, HUGE))],
        "pow": [
            ("x [0.1, 10], y ±[0, 10]", np.stack([log(0.1, 10), lin(-10, 10)], 1)),
            ("x [1e-300, 1e300], y ±[0, 1]", np.stack([log(1e-300, 1e300), lin(-1, 1)], 1)),
            ("x near 1, result to 1e±300", (lambda x: np.stack([x, lin(-690, 690) / np.log(x)], 1))(1 + both(log(1e-10, 0.3)))),
            ("x [1e-5, 1e5], result to 1e±308", (lambda x: np.stack([x, lin(-709, 709) / np.log(x)], 1))(log(1e-5, 1e5))),
            ("x any, y integer in ±[2, 40]", np.stack([both(log(1e-7, 1e7)), both(rng.integers(2, 41, N).astype(float))], 1)),
            ("x 10, y integer in ±[1, 323]", np.array([[10.0, k] for k in range(-323, 309)])),
            ("x 2, y in ±[0, 1074]", np.stack([np.full(N, 2.0), np.concatenate([np.arange(-1074, 1024), lin(-1074, 1024, N - 2098)])], 1)),
            ("subnormal results", (lambda x: np.stack([x, lin(-744, -709) / np.log(x)], 1))(log(1e-5, 0.9))),
        ],
        "atan2": [
            ("x, y in ±[1e-3, 1e3]", np.stack([both(log(1e-3, 1e3)), both(log(1e-3, 1e3))], 1)),
            ("x, y in ±[1e-150, 1e150]", np.stack([both(log(1e-150, 1e150)), both(log(1e-150, 1e150))], 1)),
            ("y/x small", (lambda x: np.stack([x * log(1e-20, 1e-2), x], 1))(both(log(1e-3, 1e3)))),
            ("subnormal results", (lambda y: np.stack([y, log(1, 1e3, len(y))], 1))(both(subnormal(N)))),
        ],
        "erf": [tiny, small, ("±[1e-3, 0.5]", both(lin(1e-3, 0.5))), ("±[0.5, 1]", both(lin(0.5, 1))), ("±[1, 6]", both(lin(1, 6)))],
        "erfc": [("±[2e-308, 1e-3]", small[1]), ("[-6, 0]", lin(-6, 0)), ("[0, 0.5]", lin(0, 0.5)), ("[0.5, 2]", lin(0.5, 2)), ("[2, 8]", lin(2, 8)), ("[8, 26.5]", lin(8, 26.5)), ("[26.5, 27.3] (subnormal)", lin(26.5, 27.3))],
        "erfinv": [tiny, small, ("±[1e-3, 0.5]", both(lin(1e-3, 0.5))), ("±[0.5, 0.95]", both(lin(0.5, 0.95))), ("near ±1", both(1 - log(1.2e-16, 0.1)))],
        "lgamma": [("subnormal", subnormal()), ("[2e-308, 1e-3]", log(2.3e-308, 1e-3)), ("[1e-3, 0.5]", lin(1e-3, 0.5)), ("[0.5, 3]", lin(0.5, 3)), ("near 1 and 2", near([1, 2])), ("[3, 20]", lin(3, 20)), ("[20, 1e10]", log(20, 1e10)), ("[1e10, 2.5e305]", log(1e10, 2.5e305)),
            ("[-2, -1e-3]", lin(-2, -1e-3)), ("-[2e-308, 1e-3]", -log(2.3e-308, 1e-3))],
        "lgamma, absolute": [("[-3, -2], in ULP of max(1, abs y)", lin(-3, -2)), ("[-150, -3], in ULP of max(1, |y|)", lin(-150, -3)), ("[-1e5, -150], in ULP of max(1, |y|)", -log(150, 1e5))],
        "digamma": [("±subnormal", both(subnormal())), ("±[2e-308, 1e-3]", small[1]), ("[1e-3, 0.5]", lin(1e-3, 0.5)), ("[0.5, 3]", lin(0.5, 3)), ("near its root 1.4616…", near([1.4616321449683622])), ("[3, 20]", lin(3, 20)), ("[20, 1.8e308]", log(20, HUGE))],
        "digamma, absolute": [("[-1, 0], in ULP of max(1, abs y)", lin(-1, 0)), ("[-20, -1], in ULP of max(1, |y|)", lin(-20, -1)), ("[-1e5, -20], in ULP of max(1, |y|)", -log(20, 1e5))],
    }[name]  # fmt: skip


# Errors


def reference(task):
    """(nearest float64, the rest in ULP) of f at every row of arguments."""
    name, rows, floor = task
    f = FUNCTIONS[name]
    out = np.empty((len(rows), 2))
    for i, row in enumerate(rows):
        exact = f(*(mp.mpf(float(v)) for v in np.atleast_1d(row)))
        hi = float(exact)
        step = np.spacing(max(abs(hi), floor))
        out[i] = hi, float((exact - mp.mpf(hi)) / mp.mpf(float(step))) if np.isfinite(hi) else 0
    return out


def evaluate(call, x):
    arity = "2" if x.ndim == 2 else "1"
    result = subprocess.run(["node", str(NODE), call, arity], input=x.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout)


def exact(pool, name, x, floor):
    return np.concatenate(pool.map(reference, [(name, part, floor) for part in np.array_split(x, 16)]))


def errors(pool, call, x, floor=0.0):
    """ULP errors in float64 at x and in float32 at the float32 arguments nearest to x."""
    name = call.split(".")[1]
    with np.errstate(all="ignore"):
        hi, rest = exact(pool, name, x, floor).T
        y = evaluate(call, x)
        e64 = np.where(y == hi, abs(rest), abs((y - hi) / np.spacing(np.maximum(abs(hi), floor)) - rest))
        e64[np.isnan(y) != np.isnan(hi)] = np.inf
        e64[np.isnan(y) & np.isnan(hi)] = 0
        x32 = x.astype(np.float32).astype(np.float64)
        x32 = x32[np.isfinite(x32).reshape(len(x), -1).all(1) & (x32 != 0).reshape(len(x), -1).all(1)]
        if len(x32) > 4000:
            x32 = x32[:4000]
        if not len(x32):
            return e64, np.array([np.nan])
        hi = exact(pool, name, x32, floor)[:, 0]
        y32, hi32 = evaluate(call, x32).astype(np.float32), hi.astype(np.float32)
        step = np.spacing(np.maximum(abs(hi32), np.float32(floor))).astype(np.float64)
        e32 = np.where((y32 == hi32) & np.isinf(hi32), 0, abs(y32.astype(np.float64) - hi) / step)
        pole = np.isinf(hi)
        e32[pole] = np.where(y32[pole] == hi32[pole], 0, np.inf)
        e32[np.isnan(hi) & np.isnan(y32)] = 0
    return e64, e32


def main(calls):
    print(f"<!-- {subprocess.check_output(['node', str(NODE), '--versions'], text=True).strip()}; mpmath {mp.__version__} -->\n")
    print("| function | range | points | max ULP float64 | max ULP float32 |\n|---|---|--:|--:|--:|")
    with Pool(2) as pool:
        for call in calls:
            name = call.split(".")[1]
            for suffix, floor in (("", 0.0), (", absolute", 1.0)):
                if suffix and name not in ("lgamma", "digamma"):
                    continue
                for label, x in points(name + suffix):
                    x = x[(x != 0).reshape(len(x), -1).all(1)]
                    e64, e32 = errors(pool, call, x, floor)
                    single = "–" if np.isnan(e32).all() else f"{e32.max():.2f}"
                    where = f" <!-- at {x[np.argmax(e64)]!r} -->" if "-v" in sys.argv else ""
                    print(f"| `{call}` | {label} | {len(x)} | {e64.max():.2f} | {single} |{where}", flush=True)


def oracle(path):
    """For every function of special.ts 50 points or more, spread over the ranges, with the nearest float64."""
    table = {}
    for call in CALLS:
        where, name = call.split(".")
        if where != "special":
            continue
        ranges = points(name)
        each = max(4, -(-50 // len(ranges)))
        rows = []
        for _, x in ranges:
            x = x[rng.choice(len(x), each, replace=False)]
            hi = reference((name, x, 0.0))[:, 0]
            rows += [[*np.atleast_1d(a).tolist(), y] for a, y in zip(x, hi.tolist()) if np.isfinite(y)]
        table[name] = rows
    text = ",\n".join(f'  "{k}": [\n' + ",\n".join("    " + json.dumps(r) for r in v) + "\n  ]" for k, v in table.items())
    pathlib.Path(path).write_text("{\n" + text + "\n}\n")
    print(sum(map(len, table.values())), "points")


CALLS = ["Math." + n for n in "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh pow atan2".split()]  # fmt: skip
CALLS += ["special." + n for n in "erf erfc erfinv lgamma digamma sinh cosh tanh acosh pow".split()]

if __name__ == "__main__":
    if "--oracle" in sys.argv:
        oracle(sys.argv[-1])
        sys.exit()
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    main([c for c in CALLS if not words or any(w in c for w in words)])
