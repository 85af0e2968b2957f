"""JAX and PyTorch on the rows of the benchmark, in a process of their own.

usage: python peers.py < what-to-do.json
The protocol is that of child.js, the numbers are those of inputs.js.
"""

import json
import math
import os
import sys
import time

try:
    import numpy as np
except ImportError as missing:
    print("@bench " + json.dumps({"unavailable": str(missing)}), flush=True)
    sys.exit(0)


def say(message):
    print("@bench " + json.dumps(message), flush=True)


def hashed(seed, i):
    """32 well-mixed bits of each position (the finaliser of MurmurHash3)."""
    h = i.astype(np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def uniform(seed, size):
    """Multiples of 2^-23 in [-1, 1), which float32 has exactly."""
    return (hashed(seed, np.arange(size)) >> np.uint32(8)).astype(np.float64) / 8388608 - 1


def make_inputs(descriptions):
    inputs = []
    for number, one in enumerate(descriptions):
        shape = one["shape"]
        size = math.prod(shape)
        seed = number + 1
        if one.get("kind") == "oneHot":
            classes = shape[-1]
            rows = np.arange(size // classes)
            data = np.zeros(size)
            data[rows * classes + hashed(seed, rows) % classes] = 1
        else:
            data = one.get("scale", 1) * uniform(seed, size)
        inputs.append(data.astype(one.get("dtype", "float32")).reshape(shape))
    return inputs


def digest(data):
    """What is compared of an output; see inputs.js."""
    flat = np.asarray(data).astype(np.float64).reshape(-1)
    size = flat.size
    count = min(size, 512)
    at = np.arange(count)
    if size > count:
        at = (hashed(101, at) % size).astype(np.int64)
    numbers = lambda values: [v if math.isfinite(v) else None for v in values]
    rms, projection = numbers([math.sqrt(float(flat @ flat) / max(1, size)), float(flat @ uniform(102, size))])
    return {"size": size, "rms": rms, "projection": projection, "sample": numbers(flat[at].tolist())}


def measure(call, settings):
    """Milliseconds for one call, as in measure.js."""

    def sample(times):
        start = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - start) * 1000 / times

    budget = settings["budget"]
    once = sample(1)
    if once > 2 * budget:
        return [once]
    warm = time.perf_counter() + budget / 3000
    i = 0
    while i < 2 or time.perf_counter() < warm:
        once = min(once, sample(1))
        i += 1
    times = max(1, math.ceil(0.5 / max(once, 1e-5)))
    samples = []
    end = time.perf_counter() + budget / 1000
    while len(samples) < settings["least"] or (len(samples) < settings["most"] and time.perf_counter() < end):
        samples.append(sample(times))
    return samples


def open_jax(_):
    import jax
    import jax.numpy as jnp
    from jax import grad, jit, lax, nn, value_and_grad

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)

    def outputs(result):
        return [np.asarray(leaf) for leaf in jax.tree.leaves(result)]

    def compiled(f):
        def make(inputs):
            args = [jnp.asarray(x) for x in inputs]
            run = jit(f)
            return lambda: jax.block_until_ready(run(*args)), outputs

        return make

    def step(loss):
        def update(parameters, x, y):
            value, gradients = value_and_grad(loss)(parameters, x, y)
            return [p - 0.1 * g for p, g in zip(parameters, gradients)], value

        return compiled(lambda *args: update(list(args[:-2]), *args[-2:]))

    def gradient(loss):
        return compiled(lambda *args: value_and_grad(loss)(list(args[:-1]), args[-1]))

    def conv(x, w):
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW"))

    def cross_entropy(logits, y):
        return -(nn.log_softmax(logits) * y).sum() / logits.shape[0]

    def layer_norm(x, gain, shift):
        return nn.standardize(x) * gain + shift

    def mlp(parameters, x, y):
        w1, b1, w2, b2 = parameters
        return cross_entropy(nn.relu(x @ w1 + b1) @ w2 + b2, y)

    def cnn(parameters, x, y):
        k1, k2, w, b = parameters

        def layer(x, k):
            x = nn.relu(conv(x, k))
            return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

        return cross_entropy(layer(layer(x, k1), k2).reshape(x.shape[0], -1) @ w + b, y)

    def lstm(parameters, xs):
        wx, wh, b = parameters

        def cell(carry, z):
            h, c = carry
            i, f, g, o = jnp.split(z + h @ wh, 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
            h = nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros(xs.shape[1:], xs.dtype)
        _, hs = lax.scan(cell, (zero, zero), xs @ wx + b)
        return (hs**2).mean()

    def rnn(parameters, xs):
        wx, wh, b = parameters
        h = jnp.zeros(xs.shape[1:], xs.dtype)
        for x in xs:
            h = jnp.tanh(x @ wx + h @ wh + b)
        return (h**2).mean()

    def transformer(parameters, x):
        wq, wk, wv, wo, g1, s1, g2, s2, w1, b1, w2, b2 = parameters
        batch, length, width = x.shape
        heads = lambda t: t.reshape(batch, length, 4, width // 4).transpose(0, 2, 1, 3)
        h = layer_norm(x, g1, s1)
        q, k, v = (heads(h @ w) for w in (wq, wk, wv))
        weights = nn.softmax(q @ k.swapaxes(-1, -2) * (width // 4) ** -0.5)
        y = x + (weights @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ wo
        return ((y + nn.gelu(layer_norm(y, g2, s2) @ w1 + b1, approximate=True) @ w2 + b2) ** 2).mean()

    def scalar(x):
        return jnp.sin(x) * jnp.exp(x) * x

    def conv_grad(x, w, ct):
        return grad(lambda x, w: (conv(x, w) * ct).sum(), argnums=(0, 1))(x, w)

    def one_number(f):
        def make(inputs):
            x = jnp.asarray(inputs[0])
            return lambda: np.asarray(f(x)), lambda y: [y]

        return make

    return {"version": jax.__version__, "threads": os.cpu_count()}, {
        "matmul": compiled(lambda a, b: a @ b),
        "axpb": compiled(lambda x: x * 2.5 + 0.5),
        "exp": compiled(jnp.exp),
        "tanh": compiled(jnp.tanh),
        "chain": compiled(lambda x: jnp.abs(jnp.sqrt((x * 1.5 + 0.25) ** 2 + 0.5) * 0.75 - 0.125)),
        "softmax": compiled(nn.softmax),
        "layernorm": compiled(layer_norm),
        "transpose": compiled(lambda x: x.T),
        "cumsum": compiled(jnp.cumsum),
        "cumsum-rows": compiled(lambda x: jnp.cumsum(x, axis=-1)),
        "sort": compiled(jnp.sort),
        "conv": compiled(conv),
        "conv-grad": compiled(conv_grad),
        "mlp": step(mlp),
        "cnn": step(cnn),
        "lstm": gradient(lstm),
        "transformer": gradient(transformer),
        "scalar-grad": one_number(grad(scalar)),
        "scalar-grad-jit": one_number(jit(grad(scalar))),
        "dispatch": one_number(jit(lambda x: x + 1)),
        "rnn": gradient(rnn),
    }


def open_torch(threads):
    import torch
    import torch.nn.functional as F

    if threads != "all":
        torch.set_num_threads(int(threads))

    def leaves(result):
        return [leaf for part in result for leaf in leaves(part)] if isinstance(result, (list, tuple)) else [result]

    def outputs(result):
        return [leaf.detach().numpy() for leaf in leaves(result)]

    def put(inputs):
        return [torch.from_numpy(x) for x in inputs]

    def plain(f):
        def make(inputs):
            args = put(inputs)

            def call():
                with torch.inference_mode():
                    return f(*args)

            return call, outputs

        return make

    def differentiated(f, count=None):
        """A function that differentiates with respect to the first inputs."""

        def make(inputs):
            args = put(inputs)
            for x in args[:count]:
                x.requires_grad_()
            return lambda: f(args), outputs

        return make

    def step(loss):
        def update(args):
            parameters = args[:-2]
            value = loss(parameters, *args[-2:])
            gradients = torch.autograd.grad(value, parameters)
            with torch.no_grad():
                return [p - 0.1 * g for p, g in zip(parameters, gradients)], value

        return differentiated(update, -2)

    def gradient(loss):
        def both(args):
            value = loss(args[:-1], args[-1])
            return value, torch.autograd.grad(value, args[:-1])

        return differentiated(both, -1)

    def conv(x, w):
        return F.conv2d(x, w, padding="same")

    def layer_norm(x, gain, shift):
        return F.layer_norm(x, gain.shape, gain, shift)

    def cross_entropy(logits, y):
        return F.cross_entropy(logits, y)

    def mlp(parameters, x, y):
        w1, b1, w2, b2 = parameters
        return cross_entropy(torch.addmm(b2, F.relu(torch.addmm(b1, x, w1)), w2), y)

    def cnn(parameters, x, y):
        k1, k2, w, b = parameters
        layer = lambda x, k: F.max_pool2d(F.relu(conv(x, k)), 2)
        return cross_entropy(torch.addmm(b, layer(layer(x, k1), k2).flatten(1), w), y)

    def conv_grad(args):
        x, w, ct = args
        return torch.autograd.grad((conv(x, w) * ct).sum(), (x, w))

    def lstm(inputs):
        wx, wh, b, xs = put(inputs)
        net = torch.nn.LSTM(wx.shape[0], wh.shape[0])
        with torch.no_grad():
            net.weight_ih_l0.copy_(wx.T)
            net.weight_hh_l0.copy_(wh.T)
            net.bias_ih_l0.copy_(b)
            net.bias_hh_l0.zero_()
        parameters = [net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0]

        def call():
            value = net(xs)[0].square().mean()
            return value, torch.autograd.grad(value, parameters)

        def read(result):
            value, (gx, gh, gb) = result
            return outputs([value, gx.T.contiguous(), gh.T.contiguous(), gb])

        return call, read

    def rnn(parameters, xs):
        wx, wh, b = parameters
        h = torch.zeros(xs.shape[1:])
        for x in xs:
            h = torch.tanh(x @ wx + h @ wh + b)
        return h.square().mean()

    def transformer(parameters, x):
        wq, wk, wv, wo, g1, s1, g2, s2, w1, b1, w2, b2 = parameters
        batch, length, width = x.shape
        heads = lambda t: t.view(batch, length, 4, width // 4).transpose(1, 2)
        h = layer_norm(x, g1, s1)
        mixed = F.scaled_dot_product_attention(heads(h @ wq), heads(h @ wk), heads(h @ wv))
        y = x + mixed.transpose(1, 2).reshape(x.shape) @ wo
        return (y + F.gelu(layer_norm(y, g2, s2) @ w1 + b1, approximate="tanh") @ w2 + b2).square().mean()

    def scalar_grad(args):
        (x,) = args
        return torch.autograd.grad(torch.sin(x) * torch.exp(x) * x, x)[0].item()

    def one_number(inputs):
        call, _ = differentiated(scalar_grad)(inputs)
        return call, lambda y: [[y]]

    return {"version": torch.__version__, "threads": torch.get_num_threads()}, {
        "matmul": plain(torch.matmul),
        "axpb": plain(lambda x: x * 2.5 + 0.5),
        "exp": plain(torch.exp),
        "tanh": plain(torch.tanh),
        "chain": plain(lambda x: ((((x * 1.5 + 0.25).square() + 0.5).sqrt()) * 0.75 - 0.125).abs()),
        "softmax": plain(lambda x: torch.softmax(x, -1)),
        "layernorm": plain(layer_norm),
        "transpose": plain(lambda x: x.T.contiguous()),
        "cumsum": plain(lambda x: torch.cumsum(x, 0)),
        "cumsum-rows": plain(lambda x: torch.cumsum(x, -1)),
        "sort": plain(lambda x: torch.sort(x).values),
        "conv": plain(conv),
        "conv-grad": differentiated(conv_grad, 2),
        "mlp": step(mlp),
        "cnn": step(cnn),
        "lstm": lstm,
        "transformer": gradient(transformer),
        "scalar-grad": one_number,
        "scalar-grad-jit": "it is run uncompiled",
        "dispatch": lambda inputs: (lambda x: (lambda: (x + 1).numpy(), lambda y: [y]))(put(inputs)[0]),
        "rnn": gradient(rnn),
    }


def main():
    what = json.load(sys.stdin)
    firsts = {row["name"]: make_inputs(row["inputs"]) for row in what["rows"] if row.get("first")}
    began = time.perf_counter()
    try:
        name, _, threads = what["variant"].partition(":")
        about, tasks = {"jax": open_jax, "torch": open_torch}[name](threads)
    except ImportError as missing:
        say({"unavailable": str(missing)})
        return
    if not firsts:
        say({"about": about})
    for row in what["rows"]:
        name = row["name"]
        say({"start": name})
        make = tasks.get(row["task"], "it has no such operation")
        if isinstance(make, str):
            say({"row": name, "missing": make})
            continue
        try:
            inputs = firsts.get(name) or make_inputs(row["inputs"])
            call, read = make(inputs)
            results = read(call())
            first = (time.perf_counter() - began) * 1000
            digests = [digest(result) for result in results]
            samples = [first] if row.get("first") else measure(call, what["settings"])
            say({"row": name, "samples": samples, "outputs": digests})
        except Exception as error:
            say({"row": name, "missing": str(error).split("\n")[0] or type(error).__name__})
            # What failed may have left damage: the rest is for a new process.
            return


main()
