"""The twelve modules in JAX, in double precision and compiled: what cotangent is compared with, and an oracle for its tests.

usage: python jax_tool.py < messages
"""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from jax import grad, jacfwd, jacrev, jit, lax, vmap
from jax.scipy.special import multigammaln
from session import serve

jax.config.update("jax_enable_x64", True)


def f64(x):
    return jnp.asarray(np.array(x, dtype=np.float64))


def ready(f):
    return lambda *args: jax.block_until_ready(f(*args))


def task(prepare, f, output, static=()):
    return prepare, ready(jit(f, static_argnums=static)), output


def listed(result, _):
    return np.asarray(result).tolist()


# hello
def square(x):
    return x * x


hello = {
    "square": task(lambda x: (f64(x),), square, listed),
    "double": task(lambda x: (f64(x),), grad(square), listed),
}


# lse
def logsumexp(x):
    a = lax.stop_gradient(x.max())
    return a + jnp.log(jnp.exp(x - a).sum())


def only_x(v):
    return (f64(v["x"]),)


def logsumexp_plain(x):
    """As GradBench's JAX tool has it: the derivative goes through the maximum too."""
    a = x.max()
    return a + jnp.log(jnp.exp(x - a).sum())


lse = {
    "primal": task(only_x, logsumexp, listed),
    "gradient": task(only_x, grad(logsumexp), listed),
    "gradient_plain": task(only_x, grad(logsumexp_plain), listed),
}


# llsq
def fit(x, n):
    t = -1 + jnp.arange(n, dtype=jnp.float64) * 2 / (n - 1)
    polynomial, _ = lax.scan(lambda p, c: (p * t + c, None), jnp.zeros(n), x, reverse=True)
    return ((jnp.sign(t) - polynomial) ** 2).sum() / 2


def x_and_n(v):
    return f64(v["x"]), v["n"]


def fit_plain(x, n):
    """As GradBench's JAX tool has it: point by point, powers by a cumulative product."""

    def residual(t):
        powers = jnp.cumprod(jnp.full(x.size, t).at[0].set(1))
        return (jnp.sign(t) - powers @ x) ** 2

    return vmap(residual)(-1 + jnp.arange(n, dtype=jnp.float64) * 2 / (n - 1)).sum() / 2


llsq = {
    "primal": task(x_and_n, fit, listed, (1,)),
    "gradient": task(x_and_n, grad(fit), listed, (1,)),
    "gradient_plain": task(x_and_n, grad(fit_plain), listed, (1,)),
}


# det: each minor of the last rows once
def determinant(a):
    size = a.shape[0]
    sets = [(j,) for j in range(size)]
    minors = a[-1]
    for k in range(2, size + 1):
        place = {s: i for i, s in enumerate(sets)}
        sets = list(combinations(range(size), k))
        rest = np.array([[place[s[:i] + s[i + 1 :]] for i in range(k)] for s in sets])
        signs = (-1.0) ** np.arange(k)
        minors = (a[size - k][np.array(sets)] * signs * minors[rest]).sum(-1)
    return minors[0]


def square_matrix(v):
    return (f64(v["A"]).reshape(v["ell"], v["ell"]),)


def flat(result, _):
    return np.asarray(result).ravel().tolist()


det = {
    "primal": task(square_matrix, determinant, listed),
    "gradient": task(square_matrix, grad(determinant), flat),
}


# ode
def solve(x, s):
    h = 2 / s

    def slope(y):
        return x * jnp.concatenate([jnp.ones(1), y[:-1]])

    def step(y, _):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return lax.scan(step, jnp.zeros_like(x), None, length=s)[0]


def x_and_s(v):
    return f64(v["x"]), v["s"]


ode = {
    "primal": task(x_and_s, solve, listed, (1,)),
    "gradient": task(x_and_s, grad(lambda x, s: solve(x, s)[-1]), listed, (1,)),
}


# kmeans
def cost(points, centroids):
    distances = (centroids**2).sum(1)[:, None] + (points**2).sum(1) - 2 * centroids @ points.T
    return distances.min(0).sum()


def direction(points, centroids):
    g, diagonal = jax.jvp(lambda c: grad(cost, 1)(points, c), [centroids], [jnp.ones_like(centroids)])
    return g / diagonal


def clusters(v):
    return f64(v["points"]), f64(v["centroids"])


kmeans = {"cost": task(clusters, cost, listed), "dir": task(clusters, direction, listed)}


# gmm
def posterior(parameters, x, gamma, m, plain=False):
    alpha, mu, q, l = (parameters[name] for name in ("alpha", "mu", "q", "l"))
    k, d = mu.shape
    n = x.shape[0]
    columns, rows = np.triu_indices(d, 1)
    factor = jnp.zeros((k, d, d)).at[:, np.arange(d), np.arange(d)].set(jnp.exp(q))
    factor = factor.at[:, rows, columns].set(l)
    if plain:  # As GradBench's JAX tool has it: every point centred for every component.
        whitened = jnp.einsum("kij,nkj->kin", factor, x[:, None] - mu)
    else:
        projected = (factor.reshape(k * d, d) @ x.T).reshape(k, d, n)
        whitened = projected - jnp.einsum("kij,kj->ki", factor, mu)[:, :, None]
    terms = (alpha + q.sum(1))[:, None] - 0.5 * (whitened**2).sum(1)
    likelihood = jax.nn.logsumexp(terms, axis=0).sum() - n * jax.nn.logsumexp(alpha)
    freedom = d + m + 1
    constant = freedom * d * (np.log(gamma) - 0.5 * np.log(2)) - multigammaln(0.5 * freedom, d)
    frobenius = (jnp.exp(q) ** 2).sum() + (l**2).sum()
    prior = m * q.sum() - 0.5 * gamma**2 * frobenius + k * constant
    return likelihood - n * d * 0.5 * np.log(2 * np.pi) + prior


def mixture(v):
    below = np.array(v["l"], dtype=np.float64).reshape(v["k"], v["d"] * (v["d"] - 1) // 2)
    parameters = {"alpha": f64(v["alpha"]), "mu": f64(v["mu"]), "q": f64(v["q"]), "l": f64(below)}
    return parameters, f64(v["x"]), v["gamma"], v["m"]


def named(result, _):
    return {name: np.asarray(value).tolist() for name, value in result.items()}


gmm = {
    "objective": task(mixture, posterior, listed, (2, 3)),
    "jacobian": task(mixture, grad(posterior), named, (2, 3)),
    "jacobian_plain": task(mixture, grad(partial(posterior, plain=True)), named, (2, 3)),
}


# ba
def rotate(axis, point):
    square = axis @ axis
    angle = jnp.sqrt(jnp.where(square > 0, square, 1.0))
    unit = axis / angle
    turned = (
        point * jnp.cos(angle)
        + jnp.cross(unit, point) * jnp.sin(angle)
        + unit * (unit @ point) * (1 - jnp.cos(angle))
    )
    return jnp.where(square > 0, turned, point + jnp.cross(axis, point))


def reprojection(camera, point, weight, feature):
    turned = rotate(camera[:3], point - camera[3:6])
    plane = turned[:2] / turned[2]
    square = plane @ plane
    distorted = plane * (1 + camera[9] * square + camera[10] * square**2)
    return weight * (distorted * camera[6] + camera[7:9] - feature)


def gathered(cameras, points, weights, features, camera_of, point_of):
    return cameras[camera_of], points[point_of], weights, features


def ba_objective(*problem):
    return vmap(reprojection)(*gathered(*problem)), 1 - problem[2] ** 2


def ba_jacobian(*problem):
    blocks = vmap(jacrev(reprojection, (0, 1, 2)))(*gathered(*problem))
    by_weight = blocks[2].reshape(-1, 2, 1)
    return jnp.concatenate([blocks[0], blocks[1], by_weight], axis=2), -2 * problem[2]


def bundle(v):
    n, m, p = v["n"], v["m"], v["p"]
    return (
        f64(np.tile(v["cam"], (n, 1))),
        f64(np.tile(v["x"], (m, 1))),
        f64(np.full(p, v["w"])),
        f64(np.tile(v["feat"], (p, 1))),
        jnp.arange(p) % n,
        jnp.arange(p) % m,
    )


def errors(result, v):
    first = np.asarray(result[0])[0].tolist()
    return {
        "reproj_error": {"elements": first, "repeated": v["p"]},
        "w_err": {"element": float(result[1][0]), "repeated": v["p"]},
    }


def sparse(result, v):
    n, m, p = v["n"], v["m"], v["p"]
    rows, cols = [0], []
    for i in range(p):
        block = [*range(11 * (i % n), 11 * (i % n) + 11)]
        block += [*range(11 * n + 3 * (i % m), 11 * n + 3 * (i % m) + 3), 11 * n + 3 * m + i]
        cols += block + block
        rows += [rows[-1] + 15, rows[-1] + 30]
    for i in range(p):
        cols.append(11 * n + 3 * m + i)
        rows.append(rows[-1] + 1)
    vals = [*np.asarray(result[0]).ravel()[:30].tolist(), float(result[1][-1])]
    return {"rows": rows[:30] + rows[-1:], "cols": cols[:30] + cols[-1:], "vals": vals}


ba = {"objective": task(bundle, ba_objective, errors), "jacobian": task(bundle, ba_jacobian, sparse)}


# ht
def about_axis(axis):
    square = axis @ axis
    angle = jnp.sqrt(jnp.where(square < 1e-8, 1.0, square))
    x, y, z = axis / angle
    c, s = jnp.cos(angle), jnp.sin(angle)
    cross = jnp.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    outer = jnp.outer(axis, axis) / angle**2
    return jnp.where(square < 1e-8, jnp.eye(3), c * jnp.eye(3) + s * cross + (1 - c) * outer)


def joint(bend, spread):
    cx, sx, cz, sz = jnp.cos(bend), jnp.sin(bend), jnp.cos(spread), jnp.sin(spread)
    rx = jnp.array([[1, 0, 0, 0], [0, cx, -sx, 0], [0, sx, cx, 0], [0, 0, 0, 1]])
    rz = jnp.array([[cz, -sz, 0, 0], [sz, cz, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return rz @ rx


def hand(theta, us, model, points, index, parents, mirrored):
    angles = [[0.0, 0.0] for _ in parents]
    i = 6
    for finger in range(5):
        first = 4 * finger + 2
        angles[first] = [theta[i], theta[i + 1]]
        angles[first + 1][0] = theta[i + 2]
        angles[first + 2][0] = theta[i + 3]
        i += 4
    bend, spread = (jnp.stack([jnp.asarray(a[j], dtype=jnp.float64) for a in angles]) for j in (0, 1))
    relative = model["base_relatives"] @ vmap(joint)(bend, spread)
    absolute = []
    for bone, parent in enumerate(parents):
        absolute.append(relative[bone] if parent < 0 else absolute[parent] @ relative[bone])
    transforms = jnp.stack(absolute) @ model["inverse_base_absolutes"]
    weighted = model["weights"][index].T[:, None, :] * model["base_positions"][index].T
    positions = jnp.einsum("bij,bjv->iv", transforms[:, :3], weighted)
    if mirrored:
        positions = positions * jnp.array([[-1.0], [1.0], [1.0]])
    positions = about_axis(theta[:3]) @ positions + theta[3:6, None]
    if us.size:
        a, b, c = jnp.split(positions, 3, axis=1)
        u, v = us.T
        positions = a * u + b * v + c * (1 - u - v)
    return (points.T - positions).T.ravel()


def hand_jacobian(theta, us, *rest):
    _, push = jax.linearize(lambda t, u: hand(t, u, *rest), theta, us)
    by_theta = vmap(lambda d: push(d, jnp.zeros_like(us)))(jnp.eye(theta.size))
    if not us.size:
        return by_theta.T
    by_u = vmap(lambda d: push(jnp.zeros_like(theta), jnp.broadcast_to(d, us.shape)))(jnp.eye(2))
    return jnp.concatenate([by_u, by_theta]).T


def hand_data(v):
    data, model = v["data"], v["data"]["model"]
    index = np.array(data["correspondences"])
    if v["us"]:
        index = np.array(model["triangles"])[index].T.ravel()
    arrays = {k: f64(model[k]) for k in ("base_relatives", "inverse_base_absolutes", "base_positions", "weights")}
    us = f64(v["us"]).reshape(-1, 2)
    return f64(v["theta"]), us, arrays, f64(data["points"]), jnp.asarray(index), tuple(model["parents"]), model["is_mirrored"]


ht = {
    "objective": task(hand_data, hand, listed, (5, 6)),
    "jacobian": task(hand_data, hand_jacobian, listed, (5, 6)),
}


# lstm
def loss(main, extra, state, sequence):
    layers = state.shape[0] // 2
    count = (sequence.shape[0] - 1) * sequence.shape[1]
    weights = main.reshape(layers, 2, 4, -1)

    def step(states, x):
        y = x * extra[0]
        after = []
        for i in range(layers):
            (hidden, cell), (w, b) = states[i], weights[i]
            forget = jax.nn.sigmoid(y * w[0] + b[0])
            ingate = jax.nn.sigmoid(hidden * w[1] + b[1])
            outgate = jax.nn.sigmoid(y * w[2] + b[2])
            cell = cell * forget + ingate * jnp.tanh(hidden * w[3] + b[3])
            y = outgate * jnp.tanh(cell)
            after.append((y, cell))
        return after, y * extra[1] + extra[2]

    start = [(state[2 * i], state[2 * i + 1]) for i in range(layers)]
    _, predicted = lax.scan(step, start, sequence[:-1])
    norms = jnp.log(jnp.exp(predicted).sum(1) + 2)
    return -((predicted - norms[:, None]) * sequence[1:]).sum() / count


def network(v):
    return tuple(f64(v[name]) for name in ("main_params", "extra_params", "state", "sequence"))


lstm = {
    "objective": task(network, loss, listed),
    "jacobian": task(
        network, grad(loss, (0, 1)), lambda r, _: np.concatenate([np.asarray(g).ravel() for g in r]).tolist()
    ),
}


# particle and saddle. Reverse mode of while_loop is not in JAX: only ff can be had.
def norm(x):
    return jnp.sqrt((x * x).sum())


def argmin(gradient_of, f, x):
    gradient = gradient_of(f)

    def going(s):
        x, _, g, eta, i = s
        return (norm(g) > 1e-5) & ((i == 10) | (norm(x - (x - eta * g)) > 1e-5))

    def attempt(s):
        x, value, g, eta, _ = s
        trial = x - eta * g
        reached = f(trial)
        return lax.cond(
            reached < value,
            lambda: (trial, reached, gradient(trial), eta, s[4] + 1),
            lambda: (x, value, g, eta / 2, 0),
        )

    def body(s):
        return lax.cond(s[4] == 10, lambda s: (*s[:3], s[3] * 2, 0), attempt, s)

    return lax.while_loop(going, body, (x, f(x), gradient(x), 1e-5, 0))[0]


def miss(gradient_of, w):
    def potential(x):
        return 1 / norm(x - jnp.stack([10.0, 10 - w])) + 1 / norm(x - jnp.array([10.0, 0]))

    force = gradient_of(potential)

    def move(s):
        x, v = s
        return x + 0.1 * v, v - 0.1 * force(x)

    start = (jnp.array([0.0, 8]), jnp.array([0.75, 0]))
    x, v = lax.while_loop(lambda s: s[0][1] + 0.1 * s[1][1] > 0, move, start)
    return (x[0] - x[1] / v[1] * v[0]) ** 2


def saddle_point(outer, inner, start):
    def f(x, y):
        return (x * x).sum() - (y * y).sum()

    def argmax(mode, f, x):
        return argmin(mode, lambda y: -f(y), x)

    x = argmin(outer, lambda x: f(x, argmax(inner, lambda y: f(x, y), start)), start)
    return jnp.concatenate([x, argmax(outer, lambda y: f(x, y), start)])


particle = {
    outer + inner: task(
        lambda v: (f64([v["w"]]),),
        partial(lambda o, i, w: argmin(o, lambda w: miss(i, w[0]), w)[0], jacfwd, mode),
        listed,
    )
    for outer in "f"
    for inner, mode in (("f", jacfwd), ("r", grad))
}
saddle = {
    outer + inner: task(lambda v: (f64(v["start"]),), partial(saddle_point, jacfwd, mode), listed)
    for outer in "f"
    for inner, mode in (("f", jacfwd), ("r", grad))
}

modules = {
    name: globals()[name]
    for name in "hello lse llsq det ode kmeans gmm ba ht lstm particle saddle".split()
}

if __name__ == "__main__":
    serve("jax", modules)
