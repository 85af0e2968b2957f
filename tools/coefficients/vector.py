"""Derives src/backends/wasm/math/coefficients.ts.

    python vector.py          writes it        (needs only mpmath; takes about a minute)
    python vector.py --show   prints the error of each approximation, as a power of two

Each function is reduced (see the comments in src/backends/wasm/math) to a smooth function g on a bounded interval.
g becomes a polynomial (weighted least squares at Chebyshev nodes, the coefficients rounded one by one from the
constant on and the others fitted again) or a ratio of two (special.py).
"""

import pathlib
import struct
import sys

import mpmath as mp

from special import constants as special_constants
from special import inverse_root, of_root, rational, shortest

mp.mp.prec = 300
TARGET = pathlib.Path(__file__).resolve().parents[2] / "src/backends/wasm/math/coefficients.ts"
tiny = mp.mpf(10) ** -20


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def decimal(value, tolerance, type):
    """The shortest decimal that rounds to the float32, or is within the tolerance."""
    if type == "float64":
        return shortest(value, tolerance)
    for digits in range(1, 10):
        text = f"{single(value):.{digits}g}"
        if single(float(text)) == single(value):
            return repr(float(text)).removesuffix(".0")
    raise ArithmeticError(value)


def polynomial(name, g, interval, n, type, scale=lambda t: 1, power=0):
    """g(t) as coefficients of t^0 … t^n; t^power is what an error of g is multiplied by, besides scale(t)."""
    a, b = (mp.mpf(v) for v in interval)
    k = 4 * n + 8
    nodes = [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * k)) for i in range(k)]
    nodes = [t for t in nodes if abs(t) > 1e-30]
    values = [g(t) for t in nodes]
    weights = [scale(t) * t**power for t in nodes]
    share = mp.mpf(2) ** (-30 if type == "float32" else -61)
    fixed = []
    texts = []
    for i in range(n + 1):
        rows = mp.matrix([[w * t**j for j in range(i, n + 1)] for t, w in zip(nodes, weights)])
        rest = mp.matrix([w * (y - (mp.polyval(fixed[::-1], t) if fixed else 0)) for t, y, w in zip(nodes, values, weights)])
        solution = mp.lu_solve(rows.T * rows, rows.T * rest)
        room = share / max(abs(w * t**i) for t, w in zip(nodes, weights))
        texts.append(decimal(solution[0], room, type))
        fixed.append(mp.mpf(single(float(texts[-1])) if type == "float32" else float(texts[-1])))
    error = max(abs(w * (y - mp.polyval(fixed[::-1], t))) for t, y, w in zip(nodes, values, weights))
    if "--show" in sys.argv:
        print(f"{name:14} {type} {n}: 2^{float(mp.log(error, 2)):.1f}")
    return f"[{', '.join(texts)}]"


def both(name, g, interval, degrees, **options):
    parts = [f"{t}: {polynomial(name, g, interval, n, t, **options)}" for t, n in zip(("float32", "float64"), degrees)]
    return f"export const {name} = {{ {', '.join(parts)} }} as const;"


def double(name, g, interval, n, **options):
    return f"export const {name} = {polynomial(name, g, interval, n, 'float64', **options)} as const;"


def weighted(name, g, interval, n, m, type, scale, centre):
    """N(x - centre) / D(x - centre) close to g by iterated least squares, at nodes denser for small x."""
    a, b = (1 / (1 + mp.mpf(v)) for v in interval)
    k = 60
    nodes = [1 / ((a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * k))) - 1 for i in range(k)]
    at = lambda c, x: mp.polyval(c[::-1], x - centre)
    values = [g(x) for x in nodes]
    D = [mp.mpf(1)]
    for _ in range(8):
        weights = [scale(x) / at(D, x) for x in nodes]
        rows = [[w * (x - centre) ** j for j in range(n + 1)] + [-w * y * (x - centre) ** j for j in range(1, m + 1)] for x, y, w in zip(nodes, values, weights)]
        rows = mp.matrix(rows)
        solution = list(mp.lu_solve(rows.T * rows, rows.T * mp.matrix([w * y for w, y in zip(weights, values)])))
        N, D = solution[: n + 1], [mp.mpf(1), *solution[n + 1 :]]
    share = mp.mpf(2) ** (-30 if type == "float32" else -60)
    N, D = ([decimal(c, share * min(at(D, x) / scale(x) / abs(x - centre) ** i / (y if c in D else 1) for x, y in zip(nodes, values)), type) for i, c in enumerate(cs)] for cs in (N, D))
    error = max(abs(scale(x) * (at([mp.mpf(c) for c in N], x) / at([mp.mpf(c) for c in D], x) - y)) for x, y in zip(nodes, values))
    if "--show" in sys.argv:
        print(f"{name:14} {type} {n}/{m}: 2^{float(mp.log(error, 2)):.1f}")
    return f"[[{', '.join(N)}], [{', '.join(D)}]]"


def ratio(name, *args, **options):
    return rational(name, *args, **options).removeprefix(f"const {name} = ").removesuffix(";")


def constants():
    half = mp.log(2) / 2
    # exp(r) = 1 + r + r² g(r)
    yield both("exponential", lambda r: (mp.exp(r) - 1 - r) / r**2, (-half * 1.003, half * 1.003), (4, 10), power=2)
    # log((1 + s) / (1 - s)) = 2 s + s u g(u), u = s²
    logarithm = of_root(lambda s: (mp.log((1 + s) / (1 - s)) / s - 2) / s**2)
    yield both("logarithm", logarithm, (tiny, "0.0296"), (3, 7), power=1)
    # and 2 s + s u (2/3 + u g(u))
    fine = of_root(lambda s: ((mp.log((1 + s) / (1 - s)) / s - 2) / s**2 - mp.mpf(2) / 3) / s**2)
    yield double("fineLogarithm", fine, (mp.mpf(10) ** -9, "0.0296"), 9, power=2)
    # sin r = r + r u g(u), cos r = 1 - u / 2 + u² g(u)
    quarter = ("1e-12", "0.6175")
    yield both("sine", of_root(lambda r: (mp.sin(r) / r - 1) / r**2), quarter, (2, 6), power=1)
    yield both("cosine", of_root(lambda r: (mp.cos(r) - 1 + r * r / 2) / r**4), quarter, (2, 6), power=2)
    # tanh x = x + x u g(u)
    g = of_root(lambda x: (mp.tanh(x) / x - 1) / x**2)
    parts = [ratio("tanhNear", g, (tiny, "0.31"), n, m, scale=lambda u: u * s) for n, m, s in ((1, 1, 1), (2, 3, 1))]
    yield f"export const hyperbolicTangent = {{ float32: {parts[0]}, float64: {parts[1]} }} as const;"
    # erf x = x + x g(u)
    yield both("erfNear", of_root(lambda x: mp.erf(x) / x - 1), ("1e-14", "0.73"), (6, 13))
    # erfc x = exp(-x²) g(x), for 1 - erfc x
    q = lambda x: mp.erfc(x) * mp.exp(x * x)
    parts = [weighted("erfFar", q, ("0.84", b), n, m, t, mp.erfc, 0) for t, n, m, b in (("float32", 2, 3, 4), ("float64", 6, 6, 6))]
    yield f"export const erfFar = {{ float32: {parts[0]}, float64: {parts[1]} }} as const;"
    # asin x = x + x u g(u), atan likewise, sinh likewise
    yield double("arcsine", of_root(lambda x: (mp.asin(x) / x - 1) / x**2), ("1e-12", "0.2501"), 12, power=1)
    yield double("arctangent", of_root(lambda x: (mp.atan(x) / x - 1) / x**2), ("1e-12", "0.1717"), 11, power=1)
    yield double("hyperbolicSine", of_root(lambda x: (mp.sinh(x) / x - 1) / x**2), ("1e-12", "1"), 7, power=1)
    # the cube root on [1, 8], to 8 bits
    yield double("cubeRoot", lambda m: mp.cbrt(m), (1, 8), 5, scale=lambda m: mp.mpf(2) ** -40 / mp.cbrt(m))
    # As in the reference backend
    wanted = "erfcMiddle erfcFar erfinvNear erfinvFar lgammaNear lgammaMiddle lgammaFar digammaNear digammaFar cotTail".split()
    for line in special_constants():
        if line.split()[1] in wanted:
            yield f"export {line}"


if __name__ == "__main__":
    lines = list(constants())
    if "--show" not in sys.argv:
        head = "/** Coefficients of the approximations, from the constant on. From tools/coefficients/vector.py. */\n\n"
        TARGET.write_text(head + "\n".join(lines) + "\n")
