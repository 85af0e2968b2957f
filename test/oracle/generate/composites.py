"""Functions of one vector, made of many operations or of loops and choices; composites.ts has the same ones.

A case `value:f`, `jacfwd:f`, `jacrev:f`, `hessian:f` has x; `hvp:f` has x and a direction, and means the second
derivative of the sum of the results weighted with 1, 2, ….
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .cases import F32, FLOATS, SHORT, Family, narrow, wide

A = np.asarray([[0.5, -0.25, 0.125, 0.75], [0.25, 0.5, -0.5, 0.125], [-0.75, 0.25, 0.5, 0.375], [0.125, 0.625, -0.25, 0.5]])
B = np.asarray([0.25, -0.5, 0.75, 0.125])


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def speelpenning(x):
    return jnp.prod(x)


def log_sum_exp(x):
    return jax.scipy.special.logsumexp(jnp.asarray(A) @ x) + 0.5 * x @ x


def unit(x):
    return x / jnp.linalg.norm(x)


def softmax(x):
    return jax.nn.softmax(x * 3)


def network(x):
    h = jnp.tanh(jnp.asarray(A) @ x + jnp.asarray(B))
    return jnp.sum(jax.nn.softplus(jnp.asarray(A.T) @ h) ** 2)


def kernel(x):
    d = x[:, None] - x[None, :]
    return jnp.sum(jnp.exp(-d * d) * jnp.outer(jnp.asarray(B), jnp.asarray(B)))


def determinant(x):
    m = jnp.asarray(A) + jnp.diag(x**2 + 2)
    return jnp.linalg.slogdet(m)[1]


def solution(x):
    return jnp.linalg.solve(jnp.asarray(A) + jnp.diag(x**2 + 2), jnp.asarray(B))


def broyden(x):
    padded = jnp.pad(x, 1)
    return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1


def polar(x):
    r, t = x[0], x[1]
    return jnp.stack([r * jnp.cos(t), r * jnp.sin(t), r * r * x[2], jnp.arctan2(x[3], r)])


def attention(x):
    q, k = jnp.outer(x, jnp.asarray(B)), jnp.asarray(A) * x
    return jnp.sum(jax.nn.softmax(q @ k.T, axis=-1) @ jnp.asarray(A), axis=0)


def variance(x):
    return jnp.log(jnp.var(x)) + jnp.std(jnp.cumsum(x)) * jnp.max(x)


def convolved(x):
    return jnp.convolve(jnp.sin(x), jnp.exp(x[:2]), mode="full")


def recurrent(x):
    def step(h, u):
        h = jnp.tanh(jnp.asarray(A) @ h + u * jnp.asarray(B))
        return h, jnp.sum(h * x)

    h, ys = lax.scan(step, jnp.asarray(B), x)
    return jnp.concatenate([h, ys])


def backwards(x):
    def step(c, u):
        c = c * jnp.cos(u) + u
        return c, c * u

    return lax.scan(step, x[0], x, reverse=True)[1]


def nested(x):
    def outer(c, u):
        inner = lax.scan(lambda d, v: (d * 0.5 + jnp.sin(v * u), None), c, x)[0]
        return inner, inner**2

    return lax.scan(outer, x[1], x)[1]


def counted(x):
    return lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) + x * (i + 1) / 5, x)


def logistic(x):
    return lax.fori_loop(0, 6, lambda _, c: 3.5 * c * (1 - c), jax.nn.sigmoid(x))


def newton(x):
    """√(1 + x²) by Newton's method, until it is good to 1e-6."""
    a = 1 + x * x
    going = lambda y: jnp.max(jnp.abs(y * y - a)) > 1e-6
    return lax.while_loop(going, lambda y: 0.5 * (y + a / y), a)


def doubled(x):
    return lax.while_loop(lambda c: jnp.sum(c * c) < 100, lambda c: c * 1.7 + jnp.sin(c), x)


def positive_branch(x):
    return lax.cond(jnp.sum(x) > 0, lambda y: jnp.sin(y) * y[0], lambda y: jnp.exp(y) - y[1], x)


def negative_branch(x):
    return lax.cond(jnp.sum(x) < 0, lambda y: jnp.sin(y) * y[0], lambda y: jnp.exp(y) - y[1], x)


def choices(x):
    def step(c, u):
        c = lax.cond(u > 0, lambda a: a * u + 1, lambda a: jnp.sin(a) - u * u, c)
        return c, c

    return lax.scan(step, x[2], x)[1]


def batched_choices(x):
    return jax.vmap(lambda u: lax.cond(u > 0, lambda v: jnp.log1p(v), lambda v: v * v * x[0], u))(x)


def loop_in_loop(x):
    def body(i, c):
        return lax.while_loop(lambda d: jnp.sum(d * d) < 4.0 * (i + 1), lambda d: d * 1.5 + 0.1 * x, c)

    return lax.fori_loop(0, 3, body, x)


SCALAR = [rosenbrock, speelpenning, log_sum_exp, network, kernel, determinant, variance]
VECTOR = [unit, softmax, solution, broyden, polar, attention, convolved]
CONTROL = [recurrent, backwards, nested, counted, logistic, newton, doubled, positive_branch, negative_branch, choices, batched_choices, loop_in_loop]
POINT = [0.7, -0.4, 1.1, 0.3]


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def record(family, f, dtype):
    name, short = camel(f.__name__), SHORT[dtype]
    x = np.asarray(POINT, dtype)
    at = wide(x)
    put = lambda kind, args, out: family.record(f"{kind}/{name}/{short}", f"{kind}:{name}", args, narrow(out, dtype))
    put("value", [x], f(at))
    put("jacfwd", [x], jax.jacfwd(f)(at))
    put("jacrev", [x], jax.jacfwd(f)(at))
    if dtype == F32:
        return
    # JAX has no reverse mode of while loops: forward over forward serves all.
    put("hessian", [x], jax.jacfwd(jax.jacfwd(f))(at))
    v = np.asarray([0.5, -0.25, 1, -0.75], dtype)
    weighted = lambda y: jnp.sum(jnp.ravel(f(y)) * (1 + jnp.arange(jnp.size(f(y)))))
    put("hvp", [x, v], jax.jvp(jax.jacfwd(weighted), (at,), (jnp.asarray(v),))[1])


def build():
    family = Family("composites")
    for f in SCALAR + VECTOR + CONTROL:
        for dtype in FLOATS:
            record(family, f, dtype)
    return family
