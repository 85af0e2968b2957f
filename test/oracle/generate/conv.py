"""Convolution (NCHW, OIHW: a correlation, as in machine learning) and pooling."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from .cases import F32, FLOATS, SHORT, Family, distinct, normal

LETTERS = {1: ("NCH", "OIH", "NCH"), 2: ("NCHW", "OIHW", "NCHW"), 3: ("NCDHW", "OIDHW", "NCDHW")}

# (x, w, options)
CONV = [
    ((1, 1, 5), (1, 1, 3), {}), ((2, 3, 7), (4, 3, 3), {}), ((2, 2, 8), (3, 2, 3), {"strides": [2]}), ((1, 2, 6), (2, 2, 3), {"padding": [[1, 1]]}), ((1, 2, 6), (2, 2, 3), {"padding": [[2, 0]], "strides": [3]}),
    ((1, 2, 6), (2, 2, 3), {"padding": "same"}), ((1, 2, 7), (2, 2, 4), {"padding": "same", "strides": [2]}), ((1, 2, 6), (2, 2, 3), {"padding": "valid"}), ((1, 2, 9), (2, 2, 3), {"kernelDilation": [2]}),
    ((1, 2, 4), (2, 2, 3), {"inputDilation": [2]}), ((1, 2, 5), (2, 2, 3), {"inputDilation": [2], "kernelDilation": [2], "padding": [[2, 3]], "strides": [2]}), ((1, 4, 6), (4, 2, 3), {"groups": 2}), ((2, 3, 5), (3, 1, 3), {"groups": 3}),
    ((1, 3, 5), (6, 1, 2), {"groups": 3}), ((1, 1, 3), (1, 1, 3), {}), ((1, 2, 1), (3, 2, 1), {}), ((1, 2, 5), (2, 2, 3), {"padding": [[-1, 0]]}), ((1, 2, 5), (2, 2, 4), {"kernelDilation": [2], "padding": "same"}),
    ((1, 1, 4, 4), (1, 1, 3, 3), {}), ((2, 3, 5, 6), (4, 3, 3, 2), {}), ((1, 2, 6, 6), (3, 2, 3, 3), {"strides": [2, 2]}), ((1, 2, 6, 5), (3, 2, 3, 3), {"strides": [2, 1], "padding": [[1, 1], [0, 2]]}),
    ((1, 2, 5, 5), (2, 2, 3, 3), {"padding": "same"}), ((1, 2, 5, 6), (2, 2, 2, 3), {"padding": "same", "strides": [2, 3]}), ((1, 1, 7, 7), (2, 1, 3, 3), {"kernelDilation": [2, 3]}), ((1, 1, 3, 4), (2, 1, 2, 2), {"inputDilation": [2, 3]}),
    ((1, 2, 4, 4), (2, 2, 3, 2), {"inputDilation": [2, 1], "kernelDilation": [1, 2], "padding": [[1, 2], [2, 1]], "strides": [2, 1]}), ((1, 4, 4, 4), (6, 2, 2, 2), {"groups": 2}), ((2, 3, 4, 4), (3, 1, 3, 3), {"groups": 3, "padding": "same"}),
    ((1, 4, 5, 5), (4, 2, 3, 3), {"groups": 2, "strides": [2, 2], "padding": [[1, 1], [1, 1]]}), ((1, 3, 4, 4), (2, 3, 1, 1), {}), ((1, 3, 4, 4), (2, 3, 1, 1), {"strides": [2, 2]}), ((2, 2, 3, 3), (2, 2, 3, 3), {}), ((1, 2, 5, 5), (2, 2, 2, 2), {"strides": [3, 3]}),
    ((1, 1, 3, 3, 3), (1, 1, 2, 2, 2), {}), ((1, 2, 4, 3, 4), (2, 2, 2, 2, 3), {"padding": "same"}), ((1, 2, 4, 4, 3), (2, 2, 2, 3, 2), {"strides": [2, 1, 1], "padding": [[0, 1], [1, 1], [0, 0]]}),
    ((1, 2, 3, 4, 3), (4, 1, 2, 2, 2), {"groups": 2, "kernelDilation": [1, 2, 1]}), ((1, 1, 2, 2, 3), (1, 1, 2, 2, 2), {"inputDilation": [2, 1, 2]}),
]


def convolve(opts, rank):
    padding = opts.get("padding", [[0, 0]] * rank)
    padding = padding.upper() if isinstance(padding, str) else [tuple(p) for p in padding]
    return lambda x, w: lax.conv_general_dilated(
        x, w, opts.get("strides", [1] * rank), padding, lhs_dilation=opts.get("inputDilation"), rhs_dilation=opts.get("kernelDilation"),
        dimension_numbers=LETTERS[rank], feature_group_count=opts.get("groups", 1))


def label(*shapes, opts):
    words = "-".join(f"{k}{v}" for k, v in opts.items()).replace(" ", "")
    return "/".join(["x".join(map(str, s)) for s in shapes] + ([words] if words else []))


def convolutions(family):
    for i, (s, t, opts) in enumerate(CONV):
        for dtype in FLOATS if i % 2 == 0 else (F32,):
            id = f"conv/{SHORT[dtype]}/{label(s, t, opts=opts)}"
            family.call(id, "conv", convolve(opts, len(s) - 2), [normal(id + "x", s, dtype), normal(id + "w", t, dtype)], opts=opts or None)
    x = np.asarray([[[1, np.inf, 2, 3]]], F32)
    w = np.asarray([[[0, 1]]], F32)
    family.record("conv/f32/awkward", "conv", [x, w], np.asarray([[[np.inf, np.nan, 3]]], F32), note="0·inf is NaN: no zero is skipped")


# A window, strides and padding per spatial axis. Padding of max is −inf.
POOL = [
    ((1, 1, 6), {"window": [2], "strides": [2]}), ((1, 2, 7), {"window": [3], "strides": [1]}), ((1, 1, 6), {"window": [3], "strides": [2], "padding": "same"}), ((1, 2, 6), {"window": [3], "strides": [3], "padding": [[1, 1]]}),
    ((1, 1, 4, 4), {"window": [2, 2], "strides": [2, 2]}), ((2, 2, 4, 5), {"window": [2, 3], "strides": [2, 1]}), ((1, 2, 5, 5), {"window": [3, 3], "strides": [2, 2], "padding": "same"}), ((1, 1, 5, 5), {"window": [2, 2], "strides": [2, 2]}),
    ((1, 1, 4, 6), {"window": [3, 3], "strides": [1, 2], "padding": [[1, 1], [0, 1]]}), ((1, 2, 3, 3), {"window": [3, 3], "strides": [1, 1], "padding": "valid"}), ((1, 1, 4, 4), {"window": [1, 1], "strides": [2, 2]}), ((1, 1, 4, 3, 4), {"window": [2, 2, 2], "strides": [2, 1, 2]}),
]


def pooled(x, opts, init, combine):
    padding = opts.get("padding", "valid")
    padding = padding.upper() if isinstance(padding, str) else [(0, 0), (0, 0), *map(tuple, padding)]
    return lax.reduce_window(x, init, combine, (1, 1, *opts["window"]), (1, 1, *opts["strides"]), padding)


def pools(family):
    for shape, opts in POOL:
        for dtype in FLOATS:
            tail = f"{SHORT[dtype]}/{label(shape, opts=opts)}"
            family.call(f"maxPool/{tail}", "maxPool", lambda x: pooled(x, opts, -jnp.inf, lax.max), [distinct(tail, shape, dtype)], opts=opts)
            padded = opts.get("padding", "valid") != "valid"
            for count in (True, False) if padded else (None,):
                more = {} if count is None else {"countIncludePad": count}

                def mean(x):
                    if count is False:
                        return pooled(x, opts, 0.0, lax.add) / pooled(jnp.ones_like(x), opts, 0.0, lax.add)
                    return pooled(x, opts, 0.0, lax.add) / np.prod(opts["window"])

                id = f"avgPool/{tail}" + ("" if count is None else f"/{'with' if count else 'without'}-padding")
                family.call(id, "avgPool", mean, [normal(tail, shape, dtype)], opts={**opts, **more})
    tied = np.asarray([[[1, 1, 0, 2]]], F32)
    family.record("maxPool/f32/ties", "maxPool", [tied], np.asarray([[[1, 2]]], F32), opts={"window": [2], "strides": [2]},
                  vjp=(np.asarray([[[1, 3]]], F32), [0], [np.asarray([[[0.5, 0.5, 0, 3]]], F32)]), note="tied elements share the cotangent equally; JAX gives it to the first")
    bad = np.asarray([[[1, np.nan, 0, 2, -np.inf, -np.inf]]], F32)
    family.record("maxPool/f32/awkward", "maxPool", [bad], np.asarray([[[np.nan, 2, -np.inf]]], F32), opts={"window": [2], "strides": [2]}, note="NaN wins")


def build():
    family = Family("conv")
    convolutions(family)
    pools(family)
    return family
