"""The derivatives of manual.cpp as a tool of GradBench; builds it with g++ first.

usage: python manual_tool.py < messages
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from session import serve

here = Path(__file__).parent
built = Path(tempfile.mkdtemp()) / "manual.so"
flags = ["-std=c++17", "-O3", "-march=native", "-shared", "-fPIC"]
subprocess.run(["g++", *flags, "-o", built, here / "manual.cpp"], check=True)
library = ctypes.CDLL(str(built))


def f64(x):
    return np.ascontiguousarray(x, dtype=np.float64)


def i32(x):
    return np.ascontiguousarray(x, dtype=np.int32)


def passed(x):
    if isinstance(x, np.ndarray):
        return ctypes.c_void_p(x.ctypes.data)
    return ctypes.c_double(x) if isinstance(x, float) else x


def task(name, prepare, output):
    """prepare gives the arguments; those in the list "results" are written to and go to output."""

    def prepared(value):
        args, results = prepare(value)
        everything = [*args, *results]
        return [passed(x) for x in everything], everything, results

    def evaluate(args, _, results):
        library[name](*args)
        return results

    return prepared, evaluate, lambda results, value: output(results, value)


def first(results, _):
    return results[0].tolist()


def lse(v):
    x = f64(v["x"])
    return [x.size, x], [np.empty_like(x)]


def llsq(v):
    x = f64(v["x"])
    return [v["n"], x.size, x], [np.empty_like(x)]


def det(v):
    a = f64(v["A"])
    return [v["ell"], a], [np.empty_like(a)]


def ode(v):
    x = f64(v["x"])
    return [x.size, x], [np.empty_like(x)]


def ode_adjoint(v):
    x = f64(v["x"])
    return [x.size, v["s"], x], [np.empty_like(x)]


def kmeans(v):
    points, centroids = f64(v["points"]), f64(v["centroids"])
    return [len(points), *centroids.shape, points, centroids], [np.empty_like(centroids)]


def gmm(v):
    d, k = v["d"], v["k"]
    below = f64(v["l"]).reshape(k, d * (d - 1) // 2)
    parameters = [f64(v["alpha"]), f64(v["mu"]), f64(v["q"]), below]
    sizes = [d, k, v["n"], float(v["gamma"]), v["m"]]
    return [*sizes, *parameters, f64(v["x"])], [np.empty_like(x) for x in parameters]


def gmm_output(results, _):
    return {name: x.tolist() for name, x in zip(("alpha", "mu", "q", "l"), results)}


def ba(v):
    n, m, p = v["n"], v["m"], v["p"]
    arrays = [np.tile(v["cam"], (n, 1)), np.tile(v["x"], (m, 1)), np.full(p, v["w"]), np.tile(v["feat"], (p, 1))]
    indices = [i32(np.arange(p) % n), i32(np.arange(p) % m)]
    return [p, *map(f64, arrays), *indices], [np.empty(31 * p)]


def ba_output(results, v):
    n, m, p = v["n"], v["m"], v["p"]
    values = results[0]
    rows = [min(15 * i, 30 * p) + max(0, i - 2 * p) for i in range(30)]
    cols = []
    for i in range(2):
        block = [*range(11 * (i % n), 11 * (i % n) + 11)]
        block += [*range(11 * n + 3 * (i % m), 11 * n + 3 * (i % m) + 3), 11 * n + 3 * m + i]
        cols += block + block
    return {
        "rows": [*rows, 31 * p],
        "cols": [*cols[:30], 11 * n + 3 * m + p - 1],
        "vals": [*values[:30].tolist(), float(values[-1])],
    }


def ht(v):
    data, model = v["data"], v["data"]["model"]
    index = i32(data["correspondences"])
    count = index.size
    if v["us"]:
        index = i32(np.array(model["triangles"])[index])
    positions, weights = f64(np.array(model["base_positions"]).T), f64(np.array(model["weights"]).T)
    columns = 26 + (2 if v["us"] else 0)
    args = [len(model["parents"]), positions.shape[1], count, i32(model["parents"]), f64(v["theta"])]
    args += [f64(v["us"]) if v["us"] else None, f64(model["base_relatives"]), f64(model["inverse_base_absolutes"])]
    return [*args, positions, weights, index], [np.empty((columns, 3 * count))]


def lstm(v):
    arrays = [f64(v[name]) for name in ("main_params", "extra_params", "state", "sequence")]
    main, extra, state, sequence = arrays
    return [state.shape[0] // 2, *sequence.shape, *arrays], [np.empty(main.size + extra.size)]


def particle(v):
    return [float(v["w"])], [np.empty(1)]


def saddle(v):
    return [f64(v["start"])], [np.empty(4)]


modules = {
    "lse": {"gradient": task("lse", lse, first)},
    "llsq": {"gradient": task("llsq", llsq, first), "gradient_products": task("llsq_products", llsq, first)},
    "det": {"gradient": task("det", det, first), "gradient_shared": task("det_shared", det, first)},
    "ode": {"gradient": task("ode", ode, first), "gradient_adjoint": task("ode_adjoint", ode_adjoint, first)},
    "kmeans": {"dir": task("kmeans", kmeans, first)},
    "gmm": {"jacobian": task("gmm", gmm, gmm_output)},
    "ba": {"jacobian": task("ba", ba, ba_output)},
    "ht": {"jacobian": task("ht", ht, lambda results, _: results[0].T.tolist())},
    "lstm": {"jacobian": task("lstm", lstm, first)},
    "particle": {"ff": task("particle", particle, lambda results, _: float(results[0][0]))},
    "saddle": {"ff": task("saddle", saddle, first)},
}

if __name__ == "__main__":
    serve("manual", modules)
