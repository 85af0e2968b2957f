"""Trajectories of optimisers and values of schedules, by optax.

Two problems in float64: a quadratic whose axes differ by a factor of 10⁴, and a network with two matrices. A case names
the function of the library and its arguments; the parameters after some of 100 steps are what must come out.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from optax._src import factorized

from .cases import normal

STEPS = [1, 2, 5, 10, 50, 100]
F64 = np.dtype("float64")


def problems():
    shapes = {"w1": (3, 4), "b1": (4,), "w2": (4, 2), "b2": (2,)}
    return {
        "quadratic": {"a": [1.0, 100.0, 0.01, 10.0], "c": [2.0, -1.0, 0.5, 0.25], "start": {"x": [0.0, 0.5, 3.0, -2.0]}},
        "network": {
            "x": normal("optimisers/x", (8, 3), F64).tolist(),
            "y": normal("optimisers/y", (8, 2), F64).tolist(),
            "start": {name: normal(f"optimisers/{name}", shape, F64, 0.5).tolist() for name, shape in shapes.items()},
        },
    }


def quadratic(problem):
    a, c = jnp.array(problem["a"]), jnp.array(problem["c"])
    return lambda p: 0.5 * jnp.sum(a * (p["x"] - c) ** 2)


def network(problem):
    x, y = jnp.array(problem["x"]), jnp.array(problem["y"])
    return lambda p: jnp.mean((jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"] - y) ** 2)


def call(name, *args):
    return {"call": name, "args": list(args)}


# call: (the library's schedule, optax's)
SCHEDULES = {
    "constant": (call("constantSchedule", 0.05), lambda: optax.constant_schedule(0.05)),
    "linear": (call("linearSchedule", {"from": 0.1, "to": 0.01, "steps": 60, "begin": 10}), lambda: optax.linear_schedule(0.1, 0.01, 60, 10)),
    "polynomial": (call("polynomialSchedule", {"from": 0.1, "to": 0.02, "steps": 80, "power": 2}), lambda: optax.polynomial_schedule(0.1, 0.02, 2, 80)),
    "cosine": (call("cosineSchedule", {"peak": 0.1, "to": 0.01, "steps": 90}), lambda: optax.cosine_decay_schedule(0.1, 90, alpha=0.1)),
    "cosine-exponent": (call("cosineSchedule", {"peak": 0.1, "steps": 90, "exponent": 1.5}), lambda: optax.cosine_decay_schedule(0.1, 90, exponent=1.5)),
    "cosine-warmup": (call("cosineSchedule", {"from": 0.001, "peak": 0.1, "to": 0.005, "warmup": 10, "steps": 100}),
                      lambda: optax.warmup_cosine_decay_schedule(0.001, 0.1, 10, 100, 0.005)),
    "exponential": (call("exponentialSchedule", {"from": 0.1, "rate": 0.5, "steps": 30, "begin": 5}), lambda: optax.exponential_decay(0.1, 30, 0.5, 5)),
    "exponential-staircase": (call("exponentialSchedule", {"from": 0.1, "rate": 0.5, "steps": 30, "staircase": True, "to": 0.02}),
                              lambda: optax.exponential_decay(0.1, 30, 0.5, staircase=True, end_value=0.02)),
    "exponential-growth": (call("exponentialSchedule", {"from": 0.01, "rate": 3, "steps": 30, "to": 0.05}), lambda: optax.exponential_decay(0.01, 30, 3.0, end_value=0.05)),
    "piecewise": (call("piecewiseSchedule", 0.1, {"10": 0.5, "50": 0.1}), lambda: optax.piecewise_constant_schedule(0.1, {10: 0.5, 50: 0.1})),
    "one-cycle": (call("oneCycleSchedule", {"peak": 0.2, "steps": 100}), lambda: optax.cosine_onecycle_schedule(100, 0.2)),
    "one-cycle-linear": (call("oneCycleSchedule", {"peak": 0.2, "steps": 100, "rise": 0.25, "divisor": 10, "finalDivisor": 50, "shape": "linear"}),
                         lambda: optax.linear_onecycle_schedule(100, 0.2, 0.25, 0.85, 10, 50)),
    "join": (call("joinSchedules", [call("linearSchedule", {"from": 0, "to": 0.1, "steps": 10}), call("constantSchedule", 0.1),
                                    call("exponentialSchedule", {"from": 0.1, "rate": 0.8, "steps": 5})], [10, 40]),
             lambda: optax.join_schedules([optax.linear_schedule(0, 0.1, 10), optax.constant_schedule(0.1), optax.exponential_decay(0.1, 5, 0.8)], [10, 40])),
}


def exactly(schedule):
    """Of a float64 step: of an int32 optax computes in float32."""
    return lambda step: jnp.asarray(schedule(jnp.asarray(step, jnp.float64)), jnp.float64)


MATRICES = {"matrices": True}


def matrices(params):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def adafactor(rate, clip=1.0, relative=True, momentum=None, decay=0.0):
    """optax's adafactor; its decay 1 − t^−0.8 in float64, where optax rounds it to float32."""
    exact = lambda step, exponent: 1.0 - jnp.asarray(step + 1, jnp.float64) ** -exponent
    parts = [factorized.scale_by_factored_rms(min_dim_size_to_factor=3, decay_rate_fn=exact)]
    parts += [optax.clip_by_block_rms(clip)] if clip else []
    parts += [optax.scale_by_learning_rate(rate, flip_sign=False)]
    parts += [optax.scale_by_param_block_rms()] if relative else []
    parts += [optax.ema(momentum, debias=False)] if momentum else []
    return optax.chain(*parts, optax.add_decayed_weights(decay), optax.scale(-1))


def optimisers():
    """Rates are such that a change of the start grows by less than a factor of 100 in 100 steps: others compare only noise."""
    rate = 0.05
    lr = lambda **more: {"learningRate": rate, **more}
    yield "sgd", call("sgd", {"learningRate": 0.01}), optax.sgd(0.01)
    yield "sgd-momentum", call("sgd", {"learningRate": 0.005, "momentum": 0.9}), optax.sgd(0.005, 0.9)
    yield "sgd-nesterov", call("sgd", {"learningRate": 0.005, "momentum": 0.9, "nesterov": True}), optax.sgd(0.005, 0.9, nesterov=True)
    yield "adam", call("adam", lr()), optax.adam(rate)
    yield "adam-options", call("adam", lr(b1=0.8, b2=0.95, eps=1e-3, epsRoot=1e-4)), optax.adam(rate, 0.8, 0.95, 1e-3, 1e-4)
    yield "nadam", call("adam", lr(nesterov=True)), optax.nadam(rate)
    yield "amsgrad", call("amsgrad", lr(b2=0.9)), optax.amsgrad(rate, b2=0.9)
    yield "adamw", call("adamw", lr(weightDecay=0.1)), optax.adamw(rate, weight_decay=0.1)
    yield "adamw-mask", call("adamw", lr(weightDecay=0.1, mask=MATRICES)), optax.adamw(rate, weight_decay=0.1, mask=matrices)
    yield "adagrad", call("adagrad", {"learningRate": 0.1}), optax.adagrad(0.1)
    yield "rmsprop", call("rmsprop", lr()), optax.rmsprop(rate)
    yield "rmsprop-eps", call("rmsprop", {"learningRate": 0.01, "decay": 0.8, "eps": 1e-2, "epsInRoot": False}), optax.rmsprop(0.01, 0.8, 1e-2, eps_in_sqrt=False)
    yield "rmsprop-centered", call("rmsprop", {"learningRate": 0.01, "centered": True, "eps": 1e-3}), optax.rmsprop(0.01, centered=True, eps=1e-3)
    yield "rmsprop-momentum", call("rmsprop", {"learningRate": 0.01, "momentum": 0.9}), optax.rmsprop(0.01, momentum=0.9)
    yield "rmsprop-nesterov", call("rmsprop", {"learningRate": 0.01, "momentum": 0.9, "nesterov": True}), optax.rmsprop(0.01, momentum=0.9, nesterov=True)
    yield "lion", call("lion", {"learningRate": 0.01, "weightDecay": 0.1}), optax.lion(0.01, weight_decay=0.1)
    yield "lamb", call("lamb", {"learningRate": 0.01, "weightDecay": 0.01}), optax.lamb(0.01, weight_decay=0.01)
    yield "muon", call("muon", {"learningRate": 0.005, "adam": {"learningRate": rate, "nesterov": True}}), optax.contrib.muon(0.005, adam_learning_rate=rate)
    yield "muon-options", call("muon", {"learningRate": 0.01, "beta": 0.9, "nesterov": False, "steps": 3, "weightDecay": 0.1, "adam": {"b1": 0.8}}), \
        optax.contrib.muon(0.01, beta=0.9, nesterov=False, ns_steps=3, weight_decay=0.1, adam_b1=0.8)
    yield "adafactor", call("adafactor", {"learningRate": 0.01, "smallestFactored": 3}), adafactor(0.01)
    yield "adafactor-options", call("adafactor", {"learningRate": 0.01, "smallestFactored": 3, "clip": None, "relative": False, "momentum": 0.9, "weightDecay": 0.001}), \
        adafactor(0.01, None, False, 0.9, 0.001)
    yield "clip", call("chain", call("clip", 0.3), call("sgd", lr())), optax.chain(optax.clip(0.3), optax.sgd(rate))
    yield "clip-by-global-norm", call("chain", call("clipByGlobalNorm", 0.5), call("sgd", {"learningRate": 0.01, "momentum": 0.5})), \
        optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.01, 0.5))
    yield "clip-by-block-rms", call("chain", call("clipByBlockRms", 0.1), call("sgd", lr())), optax.chain(optax.clip_by_block_rms(0.1), optax.sgd(rate))
    yield "decay-before", call("chain", call("addDecayedWeights", 0.1), call("sgd", {"learningRate": 0.01, "momentum": 0.9})), \
        optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.01, 0.9))
    yield "masked", call("chain", call("masked", call("trace", {"decay": 0.9}), MATRICES), call("scale", -0.005)), \
        optax.chain(optax.masked(optax.trace(0.9), matrices), optax.scale(-0.005))
    yield "trust-ratio", call("chain", call("trace", {"decay": 0.9}), call("scaleByTrustRatio"), call("scaleByLearningRate", 0.01)), \
        optax.chain(optax.trace(0.9), optax.scale_by_trust_ratio(), optax.scale_by_learning_rate(0.01))
    yield "accumulate", call("accumulate", call("adam", lr()), 4), optax.MultiSteps(optax.adam(rate), 4, accumulator_dtype=jnp.float64).gradient_transformation()
    for name, (ours, theirs) in SCHEDULES.items():
        if name in ("cosine-warmup", "piecewise", "one-cycle", "join"):
            yield f"adam-{name}", call("adam", {"learningRate": ours}), optax.adam(exactly(theirs()))


def shorter(tree):
    """Fourteen digits: two more than the tests compare."""
    return jax.tree.map(lambda x: float(f"{float(x):.14g}"), jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), tree))


def trajectory(optimiser, loss, start):
    params = jax.tree.map(jnp.array, start, is_leaf=lambda leaf: isinstance(leaf, list))
    state, kept = optimiser.init(params), []

    @jax.jit
    def step(params, state):
        updates, state = optimiser.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    for i in range(1, STEPS[-1] + 1):
        params, state = step(params, state)
        if i in STEPS:
            kept.append(shorter(params))
    return kept


class Trajectories:
    def __init__(self):
        self.problems = problems()
        losses = {"quadratic": quadratic, "network": network}
        self.lines = []
        for name, ours, theirs in optimisers():
            runs = {problem: trajectory(theirs, losses[problem](data), data["start"]) for problem, data in self.problems.items()}
            self.lines.append({"id": name, "optimizer": ours, **runs})
        at = [0, 1, 2, 5, 9, 10, 11, 24, 25, 26, 29, 30, 31, 40, 50, 60, 70, 85, 86, 90, 99, 100, 101, 150]
        self.schedules = [
            {"id": name, "schedule": ours, "steps": at, "values": [float(exactly(theirs())(t)) for t in at]}
            for name, (ours, theirs) in SCHEDULES.items()
        ]

    def write(self, folder):
        dump = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        rows = lambda values: "[\n" + ",\n".join(map(dump, values)) + "\n]"
        text = (f'{{"origin":{dump(f"optax {optax.__version__}, jax {jax.__version__}, float64")},"steps":{dump(STEPS)},\n'
                f'"problems":{dump(self.problems)},\n"trajectories":{rows(self.lines)},\n"schedules":{rows(self.schedules)}}}\n')
        (folder.parent / "optim" / "trajectories.json").write_text(text)
        return len(self.lines) + len(self.schedules), len(text)


def build():
    return Trajectories()
