"""Measures the vector functions of src/backends/wasm/math against mpmath, in units in the last place.

    python measure_vector.py              every function; prints the table of docs/accuracy.md
    python measure_vector.py sin -v       one function, with the arguments of the largest errors
    python measure_vector.py -n 2000      so many points a range
    python measure_vector.py --oracle test/oracle/vector-functions.json

The points are those of measure.py; float32 has some of its own besides.
"""

import json
import pathlib
import subprocess
import sys
from multiprocessing import Pool

import mpmath as mp
import numpy as np

import measure
from measure import both, lin, log, rng

NODE = pathlib.Path(__file__).resolve().parent / "vector.mjs"
OPS = "exp expm1 log log1p log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt pow erf erfc erfinv lgamma digamma".split()
N = int(sys.argv[sys.argv.index("-n") + 1]) if "-n" in sys.argv else 4000


def evaluate(op, x, relaxed):
    kind = "float32" if x.dtype == np.float32 else "float64"
    command = ["node", str(NODE), op, kind, str(int(relaxed))]
    result = subprocess.run(command, input=x.T.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, x.dtype)


def reference(task):
    """(nearest float, its spacing, what it lacks in ULP) of f at every row."""
    op, rows, floor = task
    f = measure.FUNCTIONS[op]
    single = rows.dtype == np.float32
    out = np.empty((len(rows), 3))
    for i, row in enumerate(rows):
        exact = f(*(mp.mpf(float(v)) for v in np.atleast_1d(row)))
        exact = mp.nan if isinstance(exact, mp.mpc) else exact
        with np.errstate(all="ignore"):
            near = np.float32(float(exact)) if single else np.float64(float(exact))
            step = float(np.spacing(np.maximum(abs(near), near.dtype.type(floor))))
        finite = np.isfinite(near)
        out[i] = near, step, float((exact - mp.mpf(float(near))) / mp.mpf(step)) if finite else 0
    return out


def extra(op):
    """Ranges that float32 has and float64 hardly meets."""
    return {
        "exp": [lin(-104, 89), lin(-1, 1), lin(-104, -87)], "expm1": [lin(-20, 89), lin(-1, 1)],
        "sin": [both(log(1, 3e38))], "cos": [both(log(1, 3e38))], "tan": [both(log(1, 3e38))],
        "sinh": [both(lin(0, 90))], "cosh": [both(lin(0, 90))], "erfc": [lin(9, 10.2)],
        "pow": [np.stack([x := log(1e-38, 3e38), lin(-88, 88) / np.log(x)], 1), np.stack([x := 1 + both(log(1e-7, 0.3)), lin(-88, 88) / np.log(x)], 1), np.stack([x := log(1e-5, 0.9), lin(87, 104) / -np.log(x) ], 1)],
    }.get(op, []) + ([] if op in ("pow", "atan2") else [both(log(1e-45, 3e38))])  # fmt: skip


def measured(pool, op, x, floor):
    exact = np.concatenate(pool.map(reference, [(op, part, floor) for part in np.array_split(x, 8)]))
    near, step, rest = exact.T
    worst = []
    for relaxed in (False, True):
        y = evaluate(op, x, relaxed).astype(float)
        with np.errstate(all="ignore"):
            error = np.where(y == near, abs(rest), abs((y - near) / step - rest))
        error[np.isnan(y) != np.isnan(near)] = np.inf
        error[np.isnan(y) & np.isnan(near)] = 0
        i = np.argmax(error)
        worst.append((error[i], x[i], y[i], near[i]))
    return worst


def main(ops):
    print("| function | float64 | relaxed | float32 | relaxed |\n|---|--:|--:|--:|--:|")
    with Pool(2) as pool:
        for op in ops:
            cells = []
            for kind in (np.float64, np.float32):
                worst = [[], []]
                ranges = measure.points(op)
                ranges = [r for _, r in ranges] + (extra(op) if kind == np.float32 else [])
                for x in ranges:
                    with np.errstate(all="ignore"):
                        x = x.astype(kind)
                    x = x[(np.isfinite(x) & (x != 0)).reshape(len(x), -1).all(1)]
                    x = x[rng.permutation(len(x))[:N]]
                    if len(x):
                        for k, w in enumerate(measured(pool, op, x, 0)):
                            worst[k].append(w)
                for w in worst:
                    w = max(w, key=lambda w: w[0])
                    cells.append(f"{w[0]:.2f}")
                    if "-v" in sys.argv:
                        print(f"    {kind.__name__} {w[1]!r}: {w[2]!r}, exact {w[3]!r}", flush=True)
            print(f"| {op} | {' | '.join(cells)} |", flush=True)


def oracle(path):
    """For every function and type some points of every range, with the float nearest to the result."""
    table = {}
    for kind in (np.float32, np.float64):
        rows = table[kind.__name__] = {}
        for op in OPS:
            rows[op] = []
            ranges = [x for _, x in measure.points(op)] + (extra(op) if kind == np.float32 else [])
            for x in ranges:
                with np.errstate(all="ignore"):
                    x = x.astype(kind)
                x = x[(np.isfinite(x) & (x != 0)).reshape(len(x), -1).all(1)]
                x = x[rng.permutation(len(x))[:7]]
                y = reference((op, x, 0))[:, 0]
                short = (lambda v: float(str(np.float32(v)))) if kind == np.float32 else float
                rows[op] += [[short(v) for v in [*np.atleast_1d(a), b]] for a, b in zip(x, y) if np.isfinite(b)]
    kinds = (
        f'  "{kind}": {{\n' + ",\n".join(f'    "{op}": {json.dumps(r, separators=(",", ":"))}' for op, r in rows.items()) + "\n  }"
        for kind, rows in table.items()
    )
    pathlib.Path(path).write_text("{\n" + ",\n".join(kinds) + "\n}\n")


if __name__ == "__main__":
    if "--oracle" in sys.argv:
        oracle(sys.argv[-1])
        sys.exit()
    words = [a for a in sys.argv[1:] if a in OPS]
    main(words or OPS)
