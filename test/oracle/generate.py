"""Writes the JSON cases that the tests read: `python generate.py [family ...]`.

Needs jax, numpy, scipy, mpmath and optax; the tests themselves need none of them.
"""

import sys
from importlib import import_module
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

FAMILIES = [
    "elementwise", "binary", "reductions", "cumulative", "shape", "creation", "joining", "indexing",
    "sorting", "products", "conv", "polynomials", "promotion", "nn", "random", "special", "second", "composites", "linalg", "optimisers",
]


def main(chosen):
    folder, cases, size = Path(__file__).parent, 0, 0
    for name in chosen or FAMILIES:
        n, length = import_module(f"generate.{name}").build().write(folder)
        cases, size = cases + n, size + length
        print(f"{name:12} {n:5} cases {length / 1024:8.1f} KiB", flush=True)
    print(f"{'total':12} {cases:5} cases {size / 1024:8.1f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
