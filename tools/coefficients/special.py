"""Derives the coefficients in src/backends/reference/special.ts and writes them between its two markers.

    python special.py          writes them        (needs only mpmath; takes a few seconds)
    python special.py --show   prints the error of each approximation, as a power of two

Each function is reduced (see the comments in special.ts) to a smooth function g on a bounded interval, and g is
replaced by c + N(t) / D(t) with polynomials N and D: the rational function that agrees with g - c at Chebyshev nodes
(linear equations with D(0) = 1, solved with 300 bits). Each coefficient is written with as few digits as keep its
share of the error below 2^-62.
"""

import pathlib
import re
import sys

import mpmath as mp

mp.mp.prec = 300
TARGET = pathlib.Path(__file__).resolve().parents[2] / "src/backends/reference/special.ts"


def shortest(value, tolerance):
    """The decimal of fewest digits within the tolerance of the value, and never more than a float64 needs."""
    for digits in range(17):
        text = mp.nstr(value, digits + 1, min_fixed=0, max_fixed=0) if digits else f"{float(value):.0e}"
        if abs(mp.mpf(text) - value) <= tolerance:
            break
    return re.sub(r"\.0*(?=e|$)", "", repr(float(text)))


def rational(name, g, interval, n, m, *, centre=0, constant=0, scale=lambda t: 1):
    """The TypeScript constant [N, D] of g(t + centre) - constant, coefficients from t^0 on; D is left out for m = 0.

    scale(t) is what an error of g is multiplied by in the result, relative to the result.
    """
    a, b = (mp.mpf(v) - centre for v in interval)
    f = lambda t: g(t + centre) - constant
    k = n + m + 1
    nodes = [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * k)) for i in range(k)]
    nodes = [t if abs(t) > 1e-60 else t + (b - a) / 1000 for t in nodes]
    values = [f(t) for t in nodes]
    system = mp.matrix(
        [[t**j for j in range(n + 1)] + [-y * t**j for j in range(1, m + 1)] for t, y in zip(nodes, values)]
    )
    solution = list(mp.lu_solve(system, mp.matrix(values)))
    N, D = solution[: n + 1], [mp.mpf(1), *solution[n + 1 :]]

    grid = [a + (b - a) * (i + mp.mpf(1) / 3) / 200 for i in range(200)]
    at = lambda c, t: mp.polyval(c[::-1], t)
    weights = [(t, abs(at(N, t) / at(D, t)), at(D, t), abs(scale(t + centre))) for t in grid]
    assert min(w[2] for w in weights) > 0, f"{name}: a pole in the interval"
    share = mp.mpf(2) ** -62

    def room(k, denominator):
        return share / max(s * abs(t) ** k / d * (q if denominator else 1) for t, q, d, s in weights)

    N = [shortest(c, room(i, False)) for i, c in enumerate(N)]
    D = [shortest(c, room(i, True)) for i, c in enumerate(D)]
    error = max(abs(at([mp.mpf(c) for c in N], t) / at([mp.mpf(c) for c in D], t) - f(t)) * abs(scale(t + centre)) for t in grid)
    if "--show" in sys.argv:
        print(f"{name:12} {n}/{m} on [{mp.nstr(a + centre, 4)}, {mp.nstr(b + centre, 4)}]: 2^{float(mp.log(error, 2)):.1f}")
    if m == 0:
        return f"const {name} = [{', '.join(N)}];"
    return f"const {name} = [[{', '.join(N)}], [{', '.join(D)}]];"


def erfinv(y):
    """By Newton's method on erfc."""
    q = 1 - y
    x = mp.sqrt(-mp.log(q)) if y > 0.9 else y
    for _ in range(60):
        d = (mp.erfc(x) - q) * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
        x += d / (1 - x * d)
        if abs(d) < mp.mpf(2) ** -200:
            return x
    raise ArithmeticError(y)


def inverse_root(f):
    return lambda w: f(1 / mp.sqrt(w))


def of_root(f):
    return lambda u: f(mp.sqrt(u))


def two(x, bits):
    """x as a head of so many bits and the float64 nearest to the rest."""
    unit = mp.mpf(2) ** (mp.mag(x) - bits)
    head = mp.nint(x / unit) * unit
    return repr(float(head)), repr(float(x - head))


def constants():
    ln2, root_pi = mp.log(2), mp.sqrt(mp.pi)
    small = mp.mpf(10) ** -20
    half_log_2pi = mp.log(2 * mp.pi) / 2
    psi_root = mp.findroot(mp.digamma, mp.mpf("1.4616"))
    q = lambda x: x * mp.erfc(x) * mp.exp(x * x)
    stirling = lambda x: (mp.loggamma(x) - ((x - mp.mpf(1) / 2) * mp.log(x) - x + half_log_2pi)) * x
    at_infinity = lambda x: (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x

    yield f"const ln2Head = {two(ln2, 42)[0]};\nconst ln2Tail = {two(ln2, 42)[1]};"
    yield f"const psiRoot = {two(psi_root - 1, 50)[0]};\nconst psiRootTail = {two(psi_root - 1, 50)[1]};"
    # exp(r) = 1 + r + r² g(r)
    yield rational("expTail", lambda r: (mp.exp(r) - 1 - r) / r**2, (-ln2 / 2 - small, ln2 / 2 + mp.mpf(1) / 500), 10, 0, scale=lambda r: r * r)
    # log((1 + s) / (1 - s)) = 2 s + s u g(u), u = s²
    yield rational("logTail", of_root(lambda s: (mp.log((1 + s) / (1 - s)) / s - 2) / s**2), (small, "0.0296"), 7, 0, scale=lambda u: u)
    # erf(x) = x + x g(x²)
    yield rational("erfNear", of_root(lambda x: mp.erf(x) / x - 1), (small, "0.2277"), 9, 0)
    # x exp(x²) erfc(x), in x and in 1 / x²
    yield rational("erfcMiddle", q, ("0.47", "2.2"), 7, 7, centre=mp.mpf("0.5"), constant=mp.mpf("0.40625"), scale=lambda x: 1 / q(x))
    yield rational("erfcFar", inverse_root(q), (mp.mpf(1) / 800, 1 / mp.mpf("2.2") ** 2), 8, 8, constant=mp.mpf("0.5625"), scale=lambda w: 2)
    # erfinv(y) = y + y g(y²), and sqrt(-log(1 - y)) + g of that root
    yield rational("erfinvNear", of_root(lambda y: erfinv(y) / y - 1), (small, "0.36"), 6, 6, centre=mp.mpf("0.375"))
    yield rational("erfinvFar", lambda s: erfinv(1 - mp.exp(-s * s)) - s, ("0.957", "6.07"), 4, 4, scale=lambda s: mp.mpf(2) ** -22)
    # lgamma(1 + z) = z (z - 1) g(z), twice
    h = lambda z: mp.loggamma(1 + z) / (z * (z - 1))
    yield rational("lgammaNear", h, ("-0.371", "0.5003"), 7, 7, centre=mp.mpf("-0.375"), constant=mp.mpf("0.5625"), scale=lambda z: 2)
    yield rational("lgammaMiddle", h, ("0.4999", "1.5003"), 6, 6, centre=mp.mpf("0.5"), constant=mp.mpf("0.4375"), scale=lambda z: 2)
    # lgamma(x) = (x - 1/2) (log x - 1) + (log 2π - 1) / 2 + g(1 / x²) / x
    yield f"const stirlingConstant = {float(half_log_2pi - mp.mpf(1) / 2)!r};"
    yield rational("lgammaFar", inverse_root(stirling), (mp.mpf(10) ** -30, mp.mpf(1) / 2.5**2), 5, 5, scale=lambda w: 2 * mp.sqrt(w))
    # digamma(1 + z) = (z + 1 - root) g(z), and log x - 1 / (2 x) - g(1 / x²) / x²
    yield rational("digammaNear", lambda z: mp.digamma(1 + z) / (1 + z - psi_root), ("-0.2503", "1.01"), 7, 7, centre=mp.mpf("-0.25"), constant=1, scale=lambda z: 1)
    yield rational("digammaFar", inverse_root(at_infinity), (mp.mpf(10) ** -20, mp.mpf(1) / 4), 6, 6, scale=lambda w: 2 * w)
    # π cot πr = 1 / r - r g(r²)
    yield rational("cotTail", of_root(lambda r: (1 / r - mp.pi * mp.cot(mp.pi * r)) / r), (small, "0.25"), 4, 4, centre=mp.mpf("0.25"), scale=lambda w: mp.mpf("0.5"))
    # tanh(x) = x + x³ g(x²)
    yield rational("tanhNear", of_root(lambda x: (mp.tanh(x) / x - 1) / x**2), (small, "0.31"), 2, 3, scale=lambda u: u)
    # acosh(1 + t) = sqrt(2t) (1 + t g(t))
    yield rational("acoshNear", lambda t: (mp.acosh(1 + t) / mp.sqrt(2 * t) - 1) / t, (small, "0.5"), 4, 4, scale=lambda t: t)


if __name__ == "__main__":
    block = "\n".join(constants())
    if "--show" not in sys.argv:
        text = TARGET.read_text()
        head, rest = text.split("// Coefficients, from tools/coefficients/special.py\n")
        tail = rest.split("// End of coefficients\n")[1]
        marked = "// Coefficients, from tools/coefficients/special.py\n" + block + "\n\n// End of coefficients\n"
        TARGET.write_text(head + marked + tail)
