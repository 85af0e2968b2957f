"""Functions of two operands: arithmetic, comparison, logic, bits; `where` and `clip`."""

import jax.numpy as jnp
import jax.scipy.special as jsp
import mpmath as mp
import numpy as np
import scipy.special as sp

from . import exact
from .cases import (
    BOOL, F32, F64, FLOATS, I8, I32, SHORT, U8, U32, Family, Num, Raw, cotangent_for, integers, normal, sample, uniform,
)
from .elementwise import agree, check

INTEGERS = (I32, U32, I8, U8)

# Correctly rounded in IEEE arithmetic, or exact: (NumPy, JAX).
EXACT = {
    "add": (np.add, jnp.add),
    "subtract": (np.subtract, jnp.subtract),
    "multiply": (np.multiply, jnp.multiply),
    "divide": (np.divide, jnp.divide),
    "maximum": (np.maximum, jnp.maximum),
    "minimum": (np.minimum, jnp.minimum),
    "fmax": (np.fmax, None),
    "fmin": (np.fmin, None),
    "copysign": (np.copysign, None),
    "nextafter": (np.nextafter, None),
    "heaviside": (np.heaviside, None),
    "fmod": (np.fmod, jnp.fmod),
    "remainder": (np.remainder, jnp.remainder),
    "floorDivide": (np.floor_divide, jnp.floor_divide),
}
SIGN_OF_ZERO_OPEN = {"maximum", "minimum", "fmax", "fmin", "remainder", "floorDivide"}

# name: (true value, NumPy or SciPy for special operands, JAX, interval of x, interval of y, more pairs, ULP)
SMOOTH = {
    "power": (mp.power, np.power, jnp.power, (0.2, 4), (-3, 3),
              [(-2, 3), (-2, -3), (-2, 0.5), (10, 38.5), (10, 308.2), (10, -45), (1.0001, 1e5), (0.9999, 1e6), (2, 0.5), (1e-20, 2)], 2),
    "arctan2": (mp.atan2, np.arctan2, jnp.arctan2, (-3, 3), (0.2, 3), [(1, 1e-30), (1e-30, -1), (-1e30, 1e-30), (3, -4)], 2),
    "hypot": (lambda x, y: mp.sqrt(x * x + y * y), np.hypot, jnp.hypot, (-3, 3), (0.2, 3),
              [(3e30, 4e30), (3e-30, 4e-30), (3e200, 4e200), (3e-200, 4e-200), (5, 12)], 2),
    "logaddexp": (lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), np.logaddexp, jnp.logaddexp, (0, 3), (0, 3),
                  [(1000, 999.5), (-1000, -1000), (1, 90), (-90, 1)], 4),
    "logaddexp2": (lambda x, y: max(x, y) + mp.log1p(mp.power(2, -abs(x - y))) / mp.log(2), np.logaddexp2, jnp.logaddexp2,
                   (0, 3), (0, 3), [(1000, 999.5), (1, 90), (-90, 1)], 4),
    "xlogy": (lambda x, y: x * mp.log(y), sp.xlogy, jsp.xlogy, (-3, 3), (0.2, 3), [(2, 1e-30)], 4),
    "xlog1py": (lambda x, y: x * mp.log1p(y), sp.xlog1py, jsp.xlog1py, (-3, 3), (-0.7, 3), [(2, 1e-12)], 4),
}

SPECIAL = [0.0, -0.0, 1, -1, 2.5, -3, np.inf, -np.inf, np.nan]


def grid(dtype, more=()):
    """All pairs of special values, then `more`; the ends of the range and subnormals."""
    info = np.finfo(dtype)
    points = SPECIAL + [float(info.max), float(info.smallest_subnormal)]
    pairs = [(a, b) for a in points for b in points]
    with np.errstate(over="ignore"):
        extra = [p for p in more if np.isfinite(np.asarray(p, dtype)).all()]
        x, y = (np.asarray([p[i] for p in pairs + extra], dtype) for i in (0, 1))
    return x, y


def keep(x, y, chosen):
    return x[chosen], y[chosen]


def floats(family):
    for name, (reference, jax_f) in EXACT.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            x, y = grid(dtype, [(5.5, 2), (-5.5, 2), (5.5, -2), (1, 0.1), (6, 0.1), (1e10, 3), (-7, 7)])
            with np.errstate(all="ignore"):
                if name in SIGN_OF_ZERO_OPEN:
                    x, y = keep(x, y, ~((x == 0) & (y == 0)))
                if name in ("remainder", "floorDivide"):
                    # NumPy and JAX differ in the sign of a zero, and in infinities: only what both say.
                    a, b = reference(x, y), np.asarray(jax_f(jnp.asarray(x, jnp.float64), jnp.asarray(y, jnp.float64))).astype(dtype)
                    same = ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
                    x, y = keep(x, y, same)
                family.record(f"{name}/{short}/grid", name, [x, y], reference(x, y), ulp=0)
            id = f"{name}/{short}/regular"
            if jax_f is None:
                a, b = normal(id + "a", (2, 4), dtype), normal(id + "b", (2, 4), dtype)
                family.record(id, name, [a, b], reference(a, b), ulp=0)
            else:
                args = [normal(id + "a", (2, 4), dtype, 5), uniform(id + "b", (2, 4), 0.3, 3, dtype)]
                # A remainder's last bit depends on the quotient's rounding only in float32 run as float64.
                family.call(id, name, jax_f, args, ulp=2 if name in ("remainder", "fmod") else 0)


def smooth(family):
    for name, (true, reference, jax_f, (a, b), (c, d), more, ulp) in SMOOTH.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            x, y = grid(dtype, more)
            note = None
            if name == "power":
                big = np.isfinite(x) & np.isfinite(y) & (np.abs(y) > 1e30)
                direct = exact.apply(true, reference, *keep(x, y, ~big), bits=500)
                out = np.empty(x.shape, dtype)
                with np.errstate(all="ignore"):
                    out[big] = np.power(x[big].astype(F64), y[big].astype(F64)).astype(dtype)
                out[~big] = direct
                note = "C99: 1**NaN = 1 and (-1)**inf = 1, where JavaScript's Math.pow gives NaN"
            else:
                out = exact.apply(true, reference, x, y)
            check(f"{name}/{short}", out, reference, x, y)
            family.record(f"{name}/{short}/grid", name, [x, y], out, ulp=ulp, note=note)

            id = f"{name}/{short}/regular"
            x, y = uniform(id + "x", (2, 4), a, b, dtype), uniform(id + "y", (2, 4), c, d, dtype)
            out = exact.apply(true, reference, x, y)
            ct = cotangent_for(out, id)
            grads = []
            for i in (0, 1):
                slopes = exact.derivative(true, i, x, y)
                products = [mp.mpf(float(k)) * s for k, s in zip(ct.ravel(), slopes)]
                grads.append(np.array([exact.rounded(p, dtype) for p in products], dtype).reshape(x.shape))
            agree(id, jax_f, [x, y], ct, grads)
            family.record(id, name, [x, y], out, vjp=(ct, [0, 1], grads), ulp=ulp)


SHAPES = [((3, 1), (4,)), ((), (2, 3)), ((2, 3), ()), ((0, 3), (1, 3)), ((1,), (5,)), ((2, 1, 3), (4, 1)), ((), ()), ((1, 1), (1,)), ((0,), ())]


def broadcasting(family):
    for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "arctan2", "hypot", "logaddexp"):
        jax_f = EXACT[name][1] if name in EXACT else SMOOTH[name][2]
        for s, t in SHAPES:
            for dtype in FLOATS if name in ("add", "multiply") else (F32,):
                id = f"{name}/{SHORT[dtype]}/{'x'.join(map(str, s)) or '0d'}-{'x'.join(map(str, t)) or '0d'}"
                family.call(id, name, jax_f, [uniform(id + "a", s, 0.3, 2, dtype), uniform(id + "b", t, 0.3, 2, dtype)])
    for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "remainder", "floorDivide", "arctan2"):
        jax_f = EXACT[name][1] if name in EXACT else SMOOTH[name][2]
        for dtype in FLOATS:
            for weak in (2, 0.5, -3) if name != "power" else (2, 3, -1, 0.5):
                id = f"{name}/{SHORT[dtype]}/number{weak}"
                x = uniform(id, (4,), 0.6, 1.9, dtype)
                family.call(f"{id}-right", name, jax_f, [x, Num(weak)])
                if not (name == "power" and weak < 0):
                    family.call(f"{id}-left", name, jax_f, [Num(weak), x], grad=not (name == "power" and weak <= 0) and name != "remainder")
    # A base below zero with a whole exponent has a slope in the base.
    for dtype in FLOATS:
        x = np.asarray([-2, -0.5, 1.5, 3], dtype)
        for weak in (2, 3, -1, -2):
            family.call(f"power/{SHORT[dtype]}/signed-base{weak}", "power", jnp.power, [x, Num(weak)])


def edges(dtype):
    info = np.iinfo(dtype)
    points = [0, 1, 2, 3, 7, 100, int(info.max), int(info.max) - 1] + ([-1, -2, -7, int(info.min)] if info.min else [])
    pairs = [(a, b) for a in points for b in points]
    return (np.asarray([p[i] for p in pairs], dtype) for i in (0, 1))


def whole(family):
    for dtype in INTEGERS:
        short = SHORT[dtype]
        x, y = edges(dtype)
        # Division by zero and least / -1 have no agreed value.
        d, e = keep(x, y, (y != 0) & ~((y == -1) & (x == np.iinfo(dtype).min)) if dtype.kind == "i" else y != 0)
        with np.errstate(all="ignore"):
            for name in ("add", "subtract", "multiply", "maximum", "minimum"):
                family.record(f"{name}/{short}", name, [x, y], EXACT[name][0](x, y), note="wraps around" if name[0] in "as" or name == "multiply" else None)
            for name in ("floorDivide", "remainder", "fmod"):
                family.record(f"{name}/{short}", name, [d, e], EXACT[name][0](d, e))
            family.record(f"divide/{short}", "divide", [d, e], np.divide(d.astype(F64), e.astype(F64)).astype(F32), ulp=1,
                          note="true division of integers is float32; the operands are rounded to float32 first")
            for name, f in {"bitwiseAnd": np.bitwise_and, "bitwiseOr": np.bitwise_or, "bitwiseXor": np.bitwise_xor}.items():
                family.record(f"{name}/{short}", name, [x, y], f(x, y))
            bits = np.iinfo(dtype).bits
            by = np.asarray([0, 1, 3, bits - 1], dtype)
            v = np.unique(x)[:, None]
            family.record(f"leftShift/{short}", "leftShift", [v, by], np.left_shift(v, by))
            family.record(f"rightShift/{short}", "rightShift", [v, by], np.right_shift(v, by), note="arithmetic where signed")
            base, to = np.asarray([[0], [1], [2], [3]], dtype), np.asarray([0, 1, 2, 3, 4], dtype)
            family.record(f"power/{short}", "power", [base, to], np.power(base, to))
            positive = keep(x, y, (x >= 0) & (y >= 0) & (x <= 100) & (y <= 100))
            family.record(f"gcd/{short}", "gcd", list(positive), np.gcd(*positive))
            small = keep(*positive, (positive[0] < 8) & (positive[1] < 8))
            family.record(f"lcm/{short}", "lcm", list(small), np.lcm(*small))


COMPARE = {
    "equal": np.equal, "notEqual": np.not_equal, "less": np.less,
    "lessEqual": np.less_equal, "greater": np.greater, "greaterEqual": np.greater_equal,
}
LOGIC = {"logicalAnd": np.logical_and, "logicalOr": np.logical_or, "logicalXor": np.logical_xor}


def comparisons(family):
    truth = np.asarray([0, 0, 1, 1], BOOL), np.asarray([0, 1, 0, 1], BOOL)
    for name, f in {**COMPARE, **LOGIC}.items():
        for dtype in FLOATS:
            x, y = grid(dtype)
            family.record(f"{name}/{SHORT[dtype]}", name, [x, y], f(x, y))
        for dtype in INTEGERS:
            x, y = edges(dtype)
            family.record(f"{name}/{SHORT[dtype]}", name, [x, y], f(x, y))
        family.record(f"{name}/bool", name, list(truth), f(*truth))
        family.record(f"{name}/f32/number", name, [np.asarray([1, 2, np.nan, -0.0], F32), Num(0)], f(np.asarray([1, 2, np.nan, -0.0], F32), 0))
        family.record(f"{name}/f32/broadcast", name, [normal(name, (2, 1)), normal(name + "2", (3,))],
                      f(normal(name, (2, 1)), normal(name + "2", (3,))))
    for name, f in {"bitwiseAnd": np.bitwise_and, "bitwiseOr": np.bitwise_or, "bitwiseXor": np.bitwise_xor, "maximum": np.maximum, "multiply": np.multiply}.items():
        family.record(f"{name}/bool", name, list(truth), f(*truth))
    for dtype in FLOATS:
        x = np.asarray([1, 1, 1, np.nan, np.inf, np.inf, 0, 1e-9, 100], dtype)
        y = np.asarray([1, 1.00001, 1.1, np.nan, np.inf, -np.inf, 1e-9, 2e-9, 100.0005], dtype)
        for label, opts, more in (("", None, {}), ("/equalNan", {"equalNan": True}, {"equal_nan": True}), ("/loose", {"rtol": 0.2, "atol": 0}, {"rtol": 0.2, "atol": 0})):
            family.record(f"isclose/{SHORT[dtype]}{label}", "isclose", [x, y], np.isclose(x, y, **more), opts=opts)
            family.record(f"allclose/{SHORT[dtype]}{label}", "allclose", [x[:3], y[:3]], np.asarray(np.allclose(x[:3], y[:3], **more)), opts=opts)


def selecting(family):
    for dtype in (F32, F64, I32, U32, I8, U8, BOOL):
        short = SHORT[dtype]
        c = sample(f"where/{short}", (2, 3), BOOL)
        x, y = sample(f"where/{short}x", (2, 3), dtype), sample(f"where/{short}y", (2, 3), dtype)
        family.call(f"where/{short}", "where", jnp.where, [c, x, y])
        family.call(f"where/{short}/broadcast", "where", jnp.where, [c[:, :1], x[0], y[:1]])
    for dtype in FLOATS:
        short = SHORT[dtype]
        c = np.asarray([1, 0, 1, 0], BOOL)
        family.call(f"where/{short}/number", "where", jnp.where, [c, normal("wn", (4,), dtype), Num(2)])
        family.call(f"where/{short}/numbers-left", "where", jnp.where, [c, Num(0.5), normal("wn", (4,), dtype)])
        bad = np.asarray([np.nan, 1, np.inf, 2], dtype)
        family.record(f"where/{short}/awkward", "where", [~c, bad, np.asarray([5, np.nan, 6, -0.0], dtype)],
                      np.where(~c, bad, np.asarray([5, np.nan, 6, -0.0], dtype)), ulp=0)
        family.call(f"where/{short}/0d", "where", jnp.where, [np.asarray(True), normal("a", (), dtype), normal("b", (), dtype)])
        x = normal(f"clip/{short}", (3, 4), dtype, 2)
        family.call(f"clip/{short}/numbers", "clip", jnp.clip, [x, Num(-1), Num(1.5)])
        family.call(f"clip/{short}/lower", "clip", jnp.clip, [x, Num(-0.5), Raw(None)])
        family.call(f"clip/{short}/upper", "clip", jnp.clip, [x, Raw(None), Num(0.5)])
        family.call(f"clip/{short}/tensors", "clip", jnp.clip, [x, uniform("lo", (4,), -1, 0, dtype), uniform("hi", (3, 1), 0, 1, dtype)])
        bad = np.asarray([np.nan, np.inf, -np.inf, -0.0, 0.25], dtype)
        family.record(f"clip/{short}/awkward", "clip", [bad, Num(-1), Num(1)], np.clip(bad, -1, 1).astype(dtype), ulp=0)
    for dtype in (I32, I8, U8):
        x = integers(f"clip{dtype}", (6,), 0, 90, dtype)
        family.record(f"clip/{SHORT[dtype]}", "clip", [x, Num(20), Num(60)], np.clip(x, 20, 60).astype(dtype))
    for dtype in FLOATS:
        x, k = np.asarray([1, -0.75, 1.5, 0, np.inf], dtype), np.asarray([3, -2, 10, 5, 1], I32)
        family.record(f"ldexp/{SHORT[dtype]}", "ldexp", [x, k], np.ldexp(x, k), ulp=0)


def build():
    family = Family("binary")
    floats(family)
    smooth(family)
    broadcasting(family)
    whole(family)
    comparisons(family)
    selecting(family)
    return family
