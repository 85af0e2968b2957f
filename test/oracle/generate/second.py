"""Second derivatives of what the other families have: the derivative of the pullback along a direction.

A case `second:f` has f's operands in a list, a direction for each float among them, and a cotangent (or several);
its results are d/dε of the cotangents of those operands at x + εv, one for each.
"""

import jax
import jax.numpy as jnp
import numpy as np

from . import binary, conv, cumulative, elementwise, nn, products, reductions
from .cases import F64, Family, Num, Raw, cotangent_for, generator, is_float, leaves, uniform, wide

LARGEST = 40


class Collector(Family):
    """Takes the second derivatives of what other families call, one case of each kind."""

    def __init__(self, name):
        super().__init__(name)
        self.seen = {}

    def record(self, *args, **kwargs):
        if args[1].startswith("second:"):
            super().record(*args, **kwargs)

    def call(self, id, fn, f, args, *, opts=None, grad=True, **_):
        # The same options and ranks of operands are the same kind.
        kind = (fn, str(opts), str([np.ndim(a) if not isinstance(a, (Num, Raw, list)) else 0 for a in args]))
        if not grad or not any(is_float(a) for a in args) or kind in self.seen or self.seen.get(fn, 0) >= 8:
            return
        before = len(self.cases)
        add(self, f"second/{id}", fn, f, args, opts)
        if len(self.cases) > before:
            self.seen[kind] = 1
            self.seen[fn] = self.seen.get(fn, 0) + 1


def directions(id, args):
    return [np.round(generator(f"{id}/{i}").uniform(-1, 1, size=np.shape(a)), 2).astype(F64) for i, a in enumerate(args)]


def add(family, id, fn, f, args, opts):
    if any(isinstance(a, (list, tuple)) for a in args):
        return
    wrt = [i for i, a in enumerate(args) if is_float(a)]
    if any(np.asarray(args[i]).dtype != F64 for i in wrt) or sum(a.size for a in leaves(args)) > LARGEST:
        return

    def g(*chosen):
        full = [wide(a) for a in args]
        for i, c in zip(wrt, chosen):
            full[i] = c
        return f(*full)

    primals = [wide(args[i]) for i in wrt]
    out = g(*primals)
    if isinstance(out, (list, tuple)) or out.dtype.kind != "f" or out.size == 0:
        return
    ct = cotangent_for(np.asarray(out), id)
    pull = lambda *xs: jax.vjp(g, *xs)[1](jnp.asarray(ct))
    vs = directions(id, primals)
    _, slopes = jax.jvp(pull, tuple(primals), tuple(map(jnp.asarray, vs)))
    slopes = [np.asarray(s) for s in slopes]
    # Linear functions have nothing to say, and what is not finite is for the first derivatives.
    if not all(np.isfinite(s).all() for s in slopes) or all((s == 0).all() for s in slopes):
        return
    scale = max(float(np.abs(s).max()) for s in slopes)
    if scale > 1e6:
        return
    family.record(id, f"second:{fn}", [list(args), vs, ct], slopes if len(slopes) > 1 else slopes[0], opts=opts)


def build():
    family = Collector("second")
    for name, (_, _, f, (lo, hi), _, _) in elementwise.SMOOTH.items():
        id = f"second/{name}"
        add(family, id, name, f, [uniform(id, (5,), lo, hi, F64)], None)
    for name, (_, _, f, (a, b), (c, d), _, _) in binary.SMOOTH.items():
        id = f"second/{name}"
        add(family, id, name, f, [uniform(f"{id}a", (5,), a, b, F64), uniform(f"{id}b", (5,), c, d, F64)], None)
    for part in (
        reductions.axes, reductions.odd_shapes, reductions.norms, cumulative.axes, products.matrices, products.einsums,
        nn.normalizers, nn.piecewise, binary.broadcasting, binary.selecting, conv.convolutions, conv.pools,
    ):
        part(family)
    return family
