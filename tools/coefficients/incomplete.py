"""Prints the coefficients of src/primitives/coefficients.ts: python tools/coefficients/incomplete.py

Chebyshev fits by mpmath at 60 digits, as polynomials from the constant on; the error printed is the largest one
relative to the function.
"""

import mpmath as mp

mp.mp.dps = 60


def stirling(w):
    """a·S(a), w = 1/a²: S(a) = log Γ(a) − (a − ½) log a + a − ½ log 2π."""
    if w == 0:
        return mp.mpf(1) / 12
    a = 1 / mp.sqrt(w)
    return a * (mp.loggamma(a) - (a - 0.5) * mp.log(a) + a - mp.log(2 * mp.pi) / 2)


def lgamma1p(a):
    """log Γ(1 + a) / a."""
    return -mp.euler if a == 0 else mp.loggamma(1 + a) / a


def bessel(n):
    """√x e⁻ˣ Iₙ(x), t = 16/x − 1."""
    def f(t):
        if t == -1:
            return 1 / mp.sqrt(2 * mp.pi)
        x = 16 / (t + 1)
        return mp.sqrt(x) * mp.exp(-x) * mp.besseli(n, x)
    return f


def fit(name, f, low, high, terms):
    low, high = mp.mpf(low), mp.mpf(high)
    coefficients, _ = mp.chebyfit(f, [low, high], terms, error=True)
    numbers = [float(c) for c in reversed(coefficients)]
    worst = 0
    for i in range(101):
        t = low + (high - low) * i / 100
        if f(t) == 0:
            continue
        value = mp.polyval([mp.mpf(c) for c in reversed(numbers)], t)
        worst = max(worst, abs(value / f(t) - 1))
    print(f"// {name}: {mp.nstr(worst, 3)}")
    print(f"export const {name}: readonly number[] = [\n  " + ", ".join(repr(n) for n in numbers) + ",\n];")


fit("stirlingSeries", stirling, 0, mp.mpf(1) / 6.25, 16)
fit("lgammaOnePlus", lgamma1p, mp.mpf(-1) / 1000, mp.mpf(1) / 2, 20)
fit("besselFar0", bessel(0), -1, 1, 22)
fit("besselFar1", bessel(1), -1, 1, 22)
