"""Arrays from nothing; the dtype is always given."""

import jax.numpy as jnp
import numpy as np

from .cases import F32, FLOATS, I32, SHORT, U8, Family, Num, Raw, normal


def build():
    family = Family("creation")
    for dtype in FLOATS:
        short, name = SHORT[dtype], {"dtype": dtype.name}
        for a, b, opts in [(0, 1, {"num": 5}), (0, 1, {"num": 5, "endpoint": False}), (-2, 3.5, {"num": 7}), (3, -1, {"num": 4}), (0, 1, {"num": 1}), (0, 1, {"num": 0}), (2, 2, {"num": 3}), (0, 1, {"num": 11}), (0, 1, {})]:
            id = f"linspace/{short}/{a}-{b}-{'-'.join(map(str, opts.values()))}"
            family.record(id, "linspace", [Num(a), Num(b)], np.linspace(a, b, **opts).astype(dtype), opts={**opts, **name}, ulp=1)
        family.call(f"linspace/{short}/tensors", "linspace", lambda a, b: jnp.linspace(a, b, 5), [normal("a", (), dtype), normal("b", (), dtype)], opts={"num": 5})
        family.record(f"logspace/{short}", "logspace", [Num(-1), Num(2)], np.logspace(-1, 2, 4).astype(dtype), opts={"num": 4, **name}, ulp=4)
        family.record(f"geomspace/{short}", "geomspace", [Num(1), Num(1000)], np.asarray([1, 10, 100, 1000], dtype), opts={"num": 4, **name}, ulp=4)
        for args in [(0, 2, 0.5), (1, 0, -0.25), (0, 1, 0.1)]:
            # start + i·step, as in NumPy and JAX: no accumulated error.
            out = np.asarray([args[0] + i * args[2] for i in range(round((args[1] - args[0]) / args[2]))], dtype)
            family.record(f"arange/{short}/{'-'.join(map(str, args))}", "arange", [Num(a) for a in args], out, opts=name, ulp=1)
    for dtype in (F32, I32, U8):
        for args in [(5,), (2, 7), (0, 10, 3), (0,), (5, 2), (9, 0, -2)]:
            family.record(f"arange/{SHORT[dtype]}/{'-'.join(map(str, args))}", "arange", [Num(a) for a in args], np.arange(*args).astype(dtype), opts={"dtype": dtype.name})
        name = {"dtype": dtype.name}
        for n, opts in [(3, {}), (2, {"m": 4}), (3, {"k": 1}), (3, {"k": -1}), (3, {"m": 5, "k": 2}), (0, {}), (3, {"k": 9})]:
            id = f"eye/{SHORT[dtype]}/{n}-{'-'.join(f'{k}{v}' for k, v in opts.items())}"
            family.record(id, "eye", [Raw(n)], np.eye(n, opts.get("m"), opts.get("k", 0), dtype=dtype), opts={**opts, **name})
            id = f"tri/{SHORT[dtype]}/{n}-{'-'.join(f'{k}{v}' for k, v in opts.items())}"
            family.record(id, "tri", [Raw(n)], np.tri(n, opts.get("m"), opts.get("k", 0), dtype=dtype), opts={**opts, **name})
        for shape in ([2, 3], [], [0, 2]):
            label = "x".join(map(str, shape)) or "0d"
            family.record(f"zeros/{SHORT[dtype]}/{label}", "zeros", [Raw(shape)], np.zeros(shape, dtype), opts=name)
            family.record(f"ones/{SHORT[dtype]}/{label}", "ones", [Raw(shape)], np.ones(shape, dtype), opts=name)
            family.record(f"full/{SHORT[dtype]}/{label}", "full", [Raw(shape), Num(7)], np.full(shape, 7, dtype), opts=name)
    a, b = normal("grid-a", (3,)), normal("grid-b", (2,))
    for indexing in ("xy", "ij"):
        family.call(f"meshgrid/f32/{indexing}", "meshgrid", lambda a, b: jnp.meshgrid(a, b, indexing=indexing), [a, b], opts={"indexing": indexing})
    for shape in ([2, 3], [4]):
        family.record(f"indices/{shape}", "indices", [Raw(shape)], np.indices(shape).astype(I32), opts={"dtype": "int32"})
    return family
