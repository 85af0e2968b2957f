"""Activations and normalizers of neural networks."""

import jax
import jax.scipy.special as jsp
import mpmath as mp
import numpy as np
import scipy.special as sp

from . import exact
from .cases import F32, FLOATS, I32, SHORT, Family, cotangent_for, normal, uniform
from .elementwise import agree, check

ALPHA, SCALE = "1.6732632423543772848170429916717", "1.0507009873554804934193349852946"


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def gelu(x):
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def gelu_tanh(x):
    # x·(1 + tanh u)/2, written as a logistic so that no digit is lost at x ≪ 0.
    return x * logistic(2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))


def elu(x):
    return x if x > 0 else mp.expm1(x)


def selu(x):
    return mp.mpf(SCALE) * (x if x > 0 else mp.mpf(ALPHA) * mp.expm1(x))


def mish(x):
    return x * mp.tanh(softplus(x))


# label: (function, options, true value, value at special operands, JAX, ULP)
SMOOTH = {
    "sigmoid": ("sigmoid", {}, logistic, sp.expit, jax.nn.sigmoid, 2),
    "softplus": ("softplus", {}, softplus, lambda x: np.logaddexp(x, 0), jax.nn.softplus, 4),
    "logSigmoid": ("logSigmoid", {}, lambda x: -softplus(-x), lambda x: -np.logaddexp(-x, 0), jax.nn.log_sigmoid, 4),
    "silu": ("silu", {}, lambda x: x * logistic(x), lambda x: x * sp.expit(x), jax.nn.silu, 4),
    "gelu": ("gelu", {"approximate": False}, gelu, lambda x: x * sp.ndtr(x), lambda x: jax.nn.gelu(x, approximate=False), 8),
    "gelu-tanh": ("gelu", {"approximate": True}, gelu_tanh, lambda x: x * sp.ndtr(x), lambda x: jax.nn.gelu(x, approximate=True), 8),
    "elu": ("elu", {}, elu, lambda x: np.where(x > 0, x, np.expm1(x)), jax.nn.elu, 2),
    "selu": ("selu", {}, selu, lambda x: np.float64(SCALE) * np.where(x > 0, x, np.float64(ALPHA) * np.expm1(x)), jax.nn.selu, 4),
    "softsign": ("softsign", {}, lambda x: x / (1 + abs(x)), lambda x: x / (1 + abs(x)), jax.nn.soft_sign, 2),
    "mish": ("mish", {}, mish, lambda x: x * np.tanh(np.logaddexp(x, 0)), jax.nn.mish, 8),
    "logit": ("logit", {}, lambda x: mp.log(x) - mp.log1p(-x), sp.logit, jsp.logit, 4),
}


def smooth(family):
    for label, (fn, opts, true, reference, jax_f, ulp) in SMOOTH.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            points = np.asarray([0.0, -0.0, 1, -1, 0.5, -0.5, 1e-5, -1e-5, 5, -5, 12, -12, 20, -20, 40, 90, -88, 400, np.nan, np.inf], dtype)
            if label in ("logSigmoid", "softplus"):
                points = np.concatenate([points, np.asarray([-np.inf, -700], dtype)])
            if label.startswith("gelu"):
                points = points[~np.isin(points, [-12, -20, -88, -1e-5])]
            if label == "logit":
                points = np.asarray([0, 1, 0.25, 0.75, 1e-7, 0.999, 1e-30, np.nan], dtype)
            out = exact.apply(true, reference, points)
            if "gelu-tanh" != label:
                check(f"{label}/{short}", out, reference, points)
            family.record(f"{label}/{short}/awkward", fn, [points], out, opts=opts, ulp=ulp)
            id = f"{label}/{short}/regular"
            x = uniform(id, (3, 4), 0.1, 0.9, dtype) if label == "logit" else uniform(id, (3, 4), -4, 4, dtype)
            out = exact.apply(true, reference, x)
            ct = cotangent_for(out, id)
            slopes = exact.derivative(true, 0, x)
            gradient = np.array([exact.rounded(mp.mpf(float(c)) * s, dtype) for c, s in zip(ct.ravel(), slopes)], dtype).reshape(x.shape)
            agree(id, jax_f, [x], ct, [gradient])
            family.record(id, fn, [x], out, opts=opts, vjp=(ct, [0], [gradient]), ulp=ulp)


# label: (function, options, JAX)
PIECEWISE = {
    "relu": ("relu", {}, jax.nn.relu),
    "relu6": ("relu6", {}, jax.nn.relu6),
    "leakyRelu": ("leakyRelu", {}, jax.nn.leaky_relu),
    "leakyRelu-slope": ("leakyRelu", {"negativeSlope": 0.25}, lambda x: jax.nn.leaky_relu(x, 0.25)),
    "elu-alpha": ("elu", {"alpha": 0.5}, lambda x: jax.nn.elu(x, 0.5)),
    "celu": ("celu", {}, jax.nn.celu),
    "celu-alpha": ("celu", {"alpha": 0.5}, lambda x: jax.nn.celu(x, 0.5)),
    "hardTanh": ("hardTanh", {}, jax.nn.hard_tanh),
    "hardSigmoid": ("hardSigmoid", {}, jax.nn.hard_sigmoid),
    "hardSilu": ("hardSilu", {}, jax.nn.hard_silu),
    "glu": ("glu", {"axis": -1}, lambda x: jax.nn.glu(x, axis=-1)),
    "squareplus": ("squareplus", {}, jax.nn.squareplus),
}


def piecewise(family):
    for label, (fn, opts, f) in PIECEWISE.items():
        for dtype in FLOATS:
            id = f"{label}/{SHORT[dtype]}"
            family.call(id, fn, f, [uniform(id, (3, 4), -4, 8, dtype)], opts=opts)
            family.call(f"{id}/0d", fn, f, [np.asarray(-0.75, dtype)], opts=opts) if fn != "glu" else None
    for dtype in FLOATS:
        x = np.asarray([np.nan, np.inf, -np.inf, 0.0, -1], dtype)
        family.record(f"relu/{SHORT[dtype]}/awkward", "relu", [x], np.asarray([np.nan, np.inf, 0, 0, 0], dtype), note="NaN stays")


NORMALIZERS = {"softmax": jax.nn.softmax, "logSoftmax": jax.nn.log_softmax, "logsumexp": jsp.logsumexp}


def normalizers(family):
    for fn, f in NORMALIZERS.items():
        for dtype in FLOATS:
            short = SHORT[dtype]
            for shape, axis in [((4,), -1), ((3, 4), -1), ((3, 4), 0), ((2, 3, 4), 1), ((2, 3, 2), -3), ((2, 3, 2), [1, 2]), ((3, 1), 1), ((1,), 0), ((0, 3), -1)]:
                id = f"{fn}/{short}/{list(shape)}-{axis}".replace(" ", "")
                ax = tuple(axis) if isinstance(axis, list) else axis
                family.call(id, fn, lambda x: f(x, axis=ax), [normal(id, shape, dtype, 2)], opts={"axis": axis}, grad=0 not in shape)
            big = 1000 if dtype == F32 else 1e6
            rows = np.asarray([[big, big - 1, 0], [-big, -big - 1, -big - 3], [big, -big, 0.5], [1e-5, -1e-5, 0]], dtype)
            family.call(f"{fn}/{short}/large", fn, lambda x: f(x, axis=-1), [rows], opts={"axis": -1}, note="neither overflow nor NaN")
            masked = np.asarray([[1, -np.inf, 2], [-np.inf, 0, -np.inf]], dtype)
            family.call(f"{fn}/{short}/masked", fn, lambda x: f(x, axis=-1), [masked], opts={"axis": -1}, grad=fn != "logSoftmax", note="an entry of −inf is masked out")
            bad = np.asarray([[1, np.nan, 2], [0, 1, 2]], dtype)
            family.call(f"{fn}/{short}/nan", fn, lambda x: f(x, axis=-1), [bad], opts={"axis": -1}, grad=False)
    for dtype in FLOATS:
        short = SHORT[dtype]
        x = normal("kd", (2, 3), dtype)
        family.call(f"logsumexp/{short}/keepdims", "logsumexp", lambda x: jsp.logsumexp(x, axis=1, keepdims=True), [x], opts={"axis": 1, "keepdims": True})
        family.call(f"standardize/{short}", "standardize", lambda x: jax.nn.standardize(x, axis=-1, epsilon=1e-5), [normal("st", (2, 5), dtype)], opts={"axis": -1, "epsilon": 1e-5})
        family.record(f"oneHot/{short}", "oneHot", [np.asarray([0, 2, 1], I32)], np.eye(3, dtype=dtype)[[0, 2, 1]], opts={"numClasses": 3, "dtype": dtype.name})
        family.record(f"oneHot/{short}/outside", "oneHot", [np.asarray([[-1, 3], [1, 0]], I32)],
                      np.asarray([[[0, 0, 0], [0, 0, 0]], [[0, 1, 0], [1, 0, 0]]], dtype), opts={"numClasses": 3, "dtype": dtype.name}, note="a class out of range is all zero")


def build():
    family = Family("nn")
    smooth(family)
    piecewise(family)
    normalizers(family)
    return family
