"""True values of elementary functions: mpmath at many bits, rounded once to the dtype."""

import math

import mpmath as mp
import numpy as np

PRECISION = {np.dtype("float32"): (24, -149, 128), np.dtype("float64"): (53, -1074, 1024)}
BITS = 1400  # enough for 1 + exp(-745)


def rounded(x, dtype):
    """The number of `dtype` nearest to the mpf `x`, ties to even, subnormals included."""
    dtype = np.dtype(dtype)
    if mp.isnan(x):
        return dtype.type(np.nan)
    if mp.isinf(x):
        return dtype.type(np.inf if x > 0 else -np.inf)
    sign, man, exp, bc = mp.mpf(x)._mpf_
    if man == 0:
        return dtype.type(0)
    digits, lowest, top = PRECISION[dtype]
    if exp + bc > top or exp + bc < lowest:
        return dtype.type((-1 if sign else 1) * (np.inf if exp > -bc else 0.0))
    quantum = max(exp + bc - digits, lowest)
    shift = exp - quantum
    if shift >= 0:
        n = man << shift
    else:
        n, rest = man >> -shift, man & ((1 << -shift) - 1)
        half = 1 << (-shift - 1)
        if rest > half or (rest == half and n & 1):
            n += 1
    if n and n.bit_length() + quantum > top:
        size = math.inf
    else:
        size = math.ldexp(int(n), quantum)
    return dtype.type(-size if sign else size)


def apply(true, reference, *arrays, bits=BITS):
    """Elementwise `true` (mpmath), with `reference` (NumPy, float64) for special operands.

    Zeros, infinities and NaN, and operands out of the domain, follow the reference.
    """
    dtype = np.asarray(arrays[0]).dtype
    out = np.empty(np.broadcast_shapes(*(np.shape(a) for a in arrays)), dtype)
    with np.errstate(all="ignore"), mp.workprec(bits):
        for at in np.ndindex(out.shape):
            xs = [float(np.broadcast_to(a, out.shape)[at]) for a in arrays]
            known = float(reference(*map(np.float64, xs)))
            special = any(x == 0 or not math.isfinite(x) for x in xs)
            if special or math.isnan(known):
                out[at] = known if known == 0 or not math.isfinite(known) else refined(true, known, xs, dtype)
                continue
            try:
                result = true(*map(mp.mpf, xs))
            except (ValueError, ZeroDivisionError):
                out[at] = known
                continue
            out[at] = rounded(mp.re(result), dtype)
    return out


def refined(true, known, xs, dtype):
    """A special operand with a finite value, such as arctan2(-0, -1): more digits, the sign of `known`."""
    try:
        result = abs(mp.re(true(*map(mp.mpf, xs))))
    except (ValueError, ArithmeticError):
        return dtype.type(known)
    if not mp.isfinite(result) or abs(result - abs(known)) > 1e-9 * abs(known):
        return dtype.type(known)
    return np.copysign(rounded(result, dtype), dtype.type(known))


def derivative(true, position, *arrays, bits=240):
    """The partial derivative in operand `position`, as a list of mpf in row-major order."""
    shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    found = []
    with mp.workprec(bits):
        for at in np.ndindex(shape):
            xs = [mp.mpf(float(np.broadcast_to(a, shape)[at])) for a in arrays]
            order = tuple(int(i == position) for i in range(len(xs)))
            found.append(mp.diff(true, tuple(xs), order) if len(xs) > 1 else mp.diff(true, xs[0]))
    return found


def distance(a, b):
    """How many floats lie between two of the same dtype."""
    a, b = np.asarray(a), np.asarray(b)
    kind = np.int32 if a.dtype == np.float32 else np.int64
    low = int(np.iinfo(kind).min)

    def line(x):
        i = int(x.view(kind))
        return i if i >= 0 else low - i

    pairs = zip(a.ravel(), b.ravel())
    return max((0 if x == y or (x != x and y != y) else abs(line(x) - line(y)) for x, y in pairs), default=0)
