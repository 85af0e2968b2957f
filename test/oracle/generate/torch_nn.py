"""Writes test/oracle/torch/layers.json: layers, activations and losses as PyTorch computes them, in float64, values and gradients.

`python -m generate.torch_nn`, in test/oracle; needs torch and numpy, not JAX. Operands are multiples of 1/64, so that
float32 holds them exactly: one case serves both float types.
"""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
CASES = []


# ── operands ───────────────────────────────────────────────────────────────────────────


def normal(seed, shape, scale=1.0):
    """Normal numbers that float32 holds, other ones for each text."""
    draw = np.random.default_rng(zlib.crc32(seed.encode())).normal(size=shape) * scale
    return torch.tensor(np.round(draw * 64) / 64)


def distinct(seed, shape):
    """No ties, so that a maximum has one place."""
    n = math.prod(shape)
    order = np.random.default_rng(zlib.crc32(seed.encode())).permutation(n)
    return torch.tensor(((order - n // 2) / 4).reshape(shape))


def integers(seed, shape, low, high):
    return torch.tensor(np.random.default_rng(zlib.crc32(seed.encode())).integers(low, high, size=shape))


# ── writing ────────────────────────────────────────────────────────────────────────────


def number(x):
    if isinstance(x, int):
        return x
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    short = float(f"{x:.15g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def value(x):
    """A tensor: flat, row-major; integers are marked."""
    x = x.detach()
    out = {"shape": list(x.shape), "data": [number(v) for v in x.reshape(-1).tolist()]}
    return out if x.dtype.is_floating_point else {**out, "dtype": "int32"}


def record(kind, id, **fields):
    CASES.append({"kind": kind, "id": id, **{name: field for name, field in fields.items() if field is not None}})


def pulled(out, cotangent, wrt):
    """Gradients of Σ out·cotangent."""
    return torch.autograd.grad((out * cotangent).sum(), wrt)


# ── layers ─────────────────────────────────────────────────────────────────────────────


def same(name, x):
    return x


def linear_weight(name, x):
    """PyTorch has [outputs, inputs]."""
    return x.T if name == "weight" else x


def layer(id, cls, args, module, x, *, names=None, turned=same, training=None, state=None):
    """args: what the class's constructor takes after the key; names: ours for PyTorch's parameters."""
    names = names or {}
    for name, parameter in module.named_parameters():
        # Weights that are at first 1 or 0 would hide mistakes.
        parameter.data = normal(f"{id}/{name}", tuple(parameter.shape), 0.5)
    if state is not None:
        module.running_mean.data, module.running_var.data = state
    module.train(bool(training))
    before = None if state is None else {"mean": value(module.running_mean), "variance": value(module.running_var)}
    wrt = dict(module.named_parameters())
    is_float = x.dtype.is_floating_point
    if is_float:
        x.requires_grad_()
        wrt = {"x": x, **wrt}
    out = module(x)
    cotangent = normal(f"{id}/cotangent", tuple(out.shape))
    grads = pulled(out, cotangent, list(wrt.values()))
    ours = lambda name: names.get(name, name)
    record(
        "layer", id, layer=cls, args=args, x=value(x), out=value(out), cotangent=value(cotangent),
        parameters={ours(n): value(turned(n, p)) for n, p in module.named_parameters()},
        grads={ours(n): value(turned(n, g)) for n, g in zip(wrt, grads)},
        training=training, state=before,
        next=None if state is None else {"mean": value(module.running_mean), "variance": value(module.running_var)},
    )


def linear():
    layer("Linear", "Linear", [5, 3], nn.Linear(5, 3), normal("li", (2, 4, 5)), turned=linear_weight)
    layer("Linear/no bias", "Linear", [5, 3, {"bias": False}], nn.Linear(5, 3, bias=False), normal("lj", (4, 5)), turned=linear_weight)


def embedding():
    ids = torch.tensor([[3, 1, 4], [1, 0, 6]])
    layer("Embedding", "Embedding", [7, 4], nn.Embedding(7, 4), ids)
    layer("Embedding/padding", "Embedding", [7, 4, {"padding": 1}], nn.Embedding(7, 4, padding_idx=1), ids)


SPATIAL = {1: (9,), 2: (6, 7), 3: (4, 5, 4)}


def convolution():
    # dimensions, inputs, outputs, window, PyTorch's options
    options = [
        (1, 3, 4, 3, {}),
        (1, 4, 6, 3, {"stride": 2, "padding": 1, "groups": 2}),
        (1, 2, 3, 4, {"padding": "same", "dilation": 2, "bias": False}),
        (2, 3, 4, 3, {"padding": 1}),
        (2, 4, 4, (2, 3), {"stride": (1, 2), "padding": (0, 2), "dilation": (2, 1)}),
        (2, 4, 8, 3, {"groups": 4, "padding": "same"}),
        (3, 2, 3, 2, {}),
        (3, 2, 2, (2, 3, 1), {"stride": (2, 1, 2), "padding": (1, 0, 1), "groups": 2}),
    ]
    for n, inputs, outputs, window, torch_options in options:
        id = f"Conv{n}d/{inputs}-{outputs}-{window}-{torch_options}"
        module = getattr(nn, f"Conv{n}d")(inputs, outputs, window, **torch_options)
        layer(id, f"Conv{n}d", [inputs, outputs, listed(window), renamed(torch_options)], module, normal(id, (2, inputs, *SPATIAL[n])))
    for n, inputs, outputs, window, torch_options in [
        (1, 3, 2, 4, {"stride": 2, "padding": 1}),
        (1, 4, 6, 3, {"stride": 3, "output_padding": 2, "groups": 2}),
        (1, 2, 3, 3, {"dilation": 2, "padding": 3, "bias": False}),
        (2, 3, 2, 3, {}),
        (2, 4, 2, (4, 3), {"stride": (2, 3), "padding": (1, 0), "output_padding": (0, 1), "groups": 2}),
        (3, 2, 2, 2, {"stride": 2}),
        (3, 2, 4, (1, 2, 3), {"stride": (1, 2, 1), "padding": (0, 1, 1), "dilation": (1, 2, 1), "groups": 2}),
    ]:
        id = f"ConvTranspose{n}d/{inputs}-{outputs}-{window}-{torch_options}"
        module = getattr(nn, f"ConvTranspose{n}d")(inputs, outputs, window, **torch_options)
        spatial = tuple(extent // 2 + 1 for extent in SPATIAL[n])
        layer(id, f"ConvTranspose{n}d", [inputs, outputs, listed(window), renamed(torch_options)], module, normal(id, (2, inputs, *spatial)))


OURS = {"stride": "strides", "dilation": "kernelDilation", "output_padding": "outputPadding", "count_include_pad": "countIncludePad"}


def listed(x):
    return list(x) if isinstance(x, tuple) else x


def renamed(options):
    return {OURS.get(name, name): listed(option) for name, option in options.items()}


def pooling():
    for n, window, options in [
        (1, 2, {}), (1, 3, {"stride": 2, "padding": 1}),
        (2, 2, {}), (2, (3, 2), {"stride": (2, 1), "padding": (1, 0)}), (2, 3, {"stride": 1}),
        (3, 2, {}), (3, (2, 3, 2), {"stride": (1, 2, 2), "padding": (1, 1, 0)}),
    ]:
        id = f"MaxPool/{n}-{window}-{options}"
        layer(id, "MaxPool", [listed(window), renamed(options)], getattr(nn, f"MaxPool{n}d")(window, **options), distinct(id, (2, 2, *SPATIAL[n])))
        for include in (True, False):
            id = f"AvgPool/{n}-{window}-{options}-{include}"
            both = {**options, "count_include_pad": include}
            layer(id, "AvgPool", [listed(window), renamed(both)], getattr(nn, f"AvgPool{n}d")(window, **both), normal(id, (2, 2, *SPATIAL[n])))


def norms():
    for shape in [(6, 3), (4, 3, 5), (2, 3, 4, 3), (2, 3, 2, 3, 2)]:
        n = max(1, len(shape) - 2)
        for training in (True, False):
            id = f"BatchNorm/{list(shape)}-{'training' if training else 'evaluation'}"
            state = (normal(f"{id}/m", (3,)), normal(f"{id}/v", (3,)).abs() + 0.5)
            layer(id, "BatchNorm", [3], getattr(nn, f"BatchNorm{n}d")(3), normal(id, shape, 2) + 1, training=training, state=state)
    id = "BatchNorm/options"
    state = (normal(f"{id}/m", (4,)), normal(f"{id}/v", (4,)).abs() + 0.5)
    layer(id, "BatchNorm", [4, {"momentum": 0.25, "epsilon": 0.125, "scale": False}], nn.BatchNorm1d(4, momentum=0.25, eps=0.125, affine=False), normal(id, (5, 4)), training=True, state=state)
    layer("LayerNorm", "LayerNorm", [5], nn.LayerNorm(5), normal("ln", (3, 4, 5), 2) + 3)
    layer("LayerNorm/two axes", "LayerNorm", [[4, 5]], nn.LayerNorm((4, 5)), normal("lm", (2, 3, 4, 5)))
    layer("LayerNorm/no bias", "LayerNorm", [5, {"bias": False, "epsilon": 0.125}], nn.LayerNorm(5, bias=False, eps=0.125), normal("lo", (3, 5)))
    layer("LayerNorm/plain", "LayerNorm", [5, {"scale": False}], nn.LayerNorm(5, elementwise_affine=False), normal("lp", (3, 5)))
    layer("RMSNorm", "RMSNorm", [5], nn.RMSNorm(5), normal("rn", (3, 5), 2) + 1)
    layer("RMSNorm/options", "RMSNorm", [[2, 5], {"epsilon": 0.125, "scale": False}], nn.RMSNorm((2, 5), eps=0.125, elementwise_affine=False), normal("ro", (3, 2, 5)))
    layer("GroupNorm", "GroupNorm", [2, 6], nn.GroupNorm(2, 6), normal("gn", (2, 6, 3, 2), 2) + 1)
    layer("GroupNorm/instances", "GroupNorm", [4, 4, {"scale": False}], nn.GroupNorm(4, 4, affine=False), normal("go", (3, 4, 5)))
    layer("GroupNorm/one", "GroupNorm", [1, 4], nn.GroupNorm(1, 4), normal("gp", (3, 4)))


def others():
    layer("Dropout/evaluation", "Dropout", [0.5], nn.Dropout(0.5), normal("do", (3, 4)))
    layer("Flatten", "Flatten", [], nn.Flatten(), normal("fl", (2, 3, 2, 2)))
    layer("Flatten/2", "Flatten", [2], nn.Flatten(2), normal("fm", (2, 3, 2, 2)))
    layer("PRelu", "PRelu", [], nn.PReLU(), normal("pr", (3, 4)) + 1 / 128, names={"weight": "slope"})
    layer("PRelu/channels", "PRelu", [{"channels": 3}], nn.PReLU(3), normal("ps", (2, 3, 4)) + 1 / 128, names={"weight": "slope"})


# ── functions ──────────────────────────────────────────────────────────────────────────


ACTIVATIONS = {
    "relu": [({}, F.relu)], "relu6": [({}, F.relu6)],
    "leakyRelu": [({}, F.leaky_relu), ({"negativeSlope": 0.25}, lambda x: F.leaky_relu(x, 0.25))],
    "elu": [({}, F.elu), ({"alpha": 0.75}, lambda x: F.elu(x, 0.75))],
    "celu": [({}, F.celu), ({"alpha": 0.75}, lambda x: F.celu(x, 0.75))],
    "selu": [({}, F.selu)], "sigmoid": [({}, F.sigmoid)], "logSigmoid": [({}, F.logsigmoid)],
    "softplus": [({}, F.softplus), ({"beta": 2}, lambda x: F.softplus(x, beta=2, threshold=1000))],
    "silu": [({}, F.silu)], "mish": [({}, F.mish)], "softsign": [({}, F.softsign)],
    "gelu": [({}, F.gelu), ({"approximate": True}, lambda x: F.gelu(x, approximate="tanh"))],
    "hardTanh": [({}, F.hardtanh), ({"min": -2, "max": 0.5}, lambda x: F.hardtanh(x, -2, 0.5))],
    # PyTorch's own backward passes of these have a float32 1/6 in float64.
    "hardSigmoid": [({}, lambda x: F.relu6(x + 3) / 6)], "hardSilu": [({}, lambda x: x * F.relu6(x + 3) / 6)],
    "hardShrink": [({}, F.hardshrink), ({"lambda": 1.5}, lambda x: F.hardshrink(x, 1.5))],
    "softShrink": [({}, F.softshrink), ({"lambda": 1.5}, lambda x: F.softshrink(x, 1.5))],
    "tanhShrink": [({}, F.tanhshrink)], "glu": [({}, F.glu), ({"axis": 0}, lambda x: F.glu(x, 0))],
    "softmax": [({}, lambda x: F.softmax(x, -1)), ({"axis": 0}, lambda x: F.softmax(x, 0))],
    "logSoftmax": [({}, lambda x: F.log_softmax(x, -1))], "softmin": [({}, lambda x: F.softmin(x, -1))],
}


def activations():
    for name, variants in ACTIVATIONS.items():
        for options, f in variants:
            id = f"{name}/{options}"
            # Odd multiples of 1/128: not on a kink.
            function(id, name, [(normal(id, (4, 6), 3) + 1 / 128)], options, f)


def function(id, name, args, options, f, wrt=None):
    wrt = [i for i, a in enumerate(args) if torch.is_tensor(a) and a.dtype.is_floating_point] if wrt is None else wrt
    for i in wrt:
        args[i].requires_grad_()
    out = f(*args)
    cotangent = normal(f"{id}/cotangent", tuple(out.shape))
    grads = pulled(out, cotangent, [args[i] for i in wrt])
    record("function", id, fn=name, args=[value(a) for a in args], options=options, out=value(out), cotangent=value(cotangent), wrt=wrt, grads=[value(g) for g in grads])


REDUCTIONS = ["mean", "sum", "none"]


def reductions(i):
    """All for the first variant of a loss, one in turn for the others."""
    return REDUCTIONS if i == 0 else [REDUCTIONS[i % 3]]


def classes():
    weights = torch.tensor([0.5, 2, 1.25, 0.75, 1])
    labels = torch.tensor([0, 4, 2, 2, -100, 3])
    variants = [{}, {"label_smoothing": 0.125}, {"ignore_index": -100}, {"weight": weights}, {"ignore_index": -100, "weight": weights, "label_smoothing": 0.25}]
    ours = {"label_smoothing": "labelSmoothing", "ignore_index": "ignoreLabel", "weight": "classWeights", "pos_weight": "positiveWeight", "log_target": "logTargets"}
    translate = lambda o: {ours.get(n, n): v.tolist() if torch.is_tensor(v) else v for n, v in o.items()}
    for i, variant in enumerate(variants):
        wanted = labels if "ignore_index" in variant else labels.clamp(min=1)
        for reduction in reductions(i):
            both = {**variant, "reduction": reduction}
            id = f"crossEntropy/{translate(both)}"
            function(id, "crossEntropy", [normal(id, (6, 5), 2), wanted], translate(both), lambda x, y: F.cross_entropy(x, y, **both))
            if "label_smoothing" not in variant:
                id = f"negativeLogLikelihood/{translate(both)}"
                function(id, "negativeLogLikelihood", [-normal(id, (6, 5), 2).abs(), wanted], translate(both), lambda x, y: F.nll_loss(x, y, **both))
    p = torch.tensor([[0.5, 0.25, 0, 0.25, 0], [1, 0, 0, 0, 0], [0.125, 0.125, 0.25, 0.25, 0.25]])
    for i, variant in enumerate(variants[:2] + [variants[3], {"weight": weights, "label_smoothing": 0.25}]):
        for reduction in reductions(i + 1):
            both = {**variant, "reduction": reduction}
            id = f"crossEntropy/p-{translate(both)}"
            function(id, "crossEntropy", [normal(id, (3, 5), 2), p.clone()], translate(both), lambda x, y: F.cross_entropy(x, y, **both), wrt=[0])
    t = normal("bce/t", (4, 3)).abs().clamp(max=1)
    for i, variant in enumerate([{}, {"pos_weight": torch.tensor([2, 0.5, 1])}]):
        for reduction in reductions(i):
            both = {**variant, "reduction": reduction}
            id = f"binaryCrossEntropy/{translate(both)}"
            function(id, "binaryCrossEntropy", [normal(id, (4, 3), 3), t.clone()], translate(both), lambda x, y: F.binary_cross_entropy_with_logits(x, y, **both))
    for log_target in (False, True):
        for reduction in ["batchmean", "sum"]:
            q = normal(f"kl/{log_target}", (3, 5))
            target = F.log_softmax(normal("kl/t", (3, 5)), -1) if log_target else p.clone()
            target = (target * 64).round() / 64
            id = f"klDivergence/{log_target}-{reduction}"
            function(id, "klDivergence", [q, target], translate({"log_target": log_target, "reduction": reduction.removeprefix("batch")}), lambda x, y: F.kl_div(x, y, reduction=reduction, log_target=log_target), wrt=[0, 1] if log_target else [0])


def regression():
    for i, (name, options, f) in enumerate([
        ("meanSquaredError", {}, F.mse_loss), ("meanAbsoluteError", {}, F.l1_loss),
        ("huber", {}, F.huber_loss), ("huber", {"delta": 0.5}, F.huber_loss),
        ("smoothL1", {}, F.smooth_l1_loss), ("smoothL1", {"beta": 0.5}, F.smooth_l1_loss),
    ]):
        for reduction in reductions(i):
            both = {**options, "reduction": reduction}
            id = f"{name}/{both}"
            function(id, name, [normal(f"{id}/a", (3, 4)) + 1 / 128, normal(f"{id}/b", (3, 4))], both, lambda x, y: f(x, y, **both))


def cosine_embedding(a, b, y, margin=0.0, reduction="mean"):
    """As PyTorch's, which adds 1e-12 to the squared lengths: that must be all that differs."""
    cosine = F.cosine_similarity(a, b, dim=-1)
    losses = torch.where(y > 0, 1 - cosine, (cosine - margin).relu())
    out = losses if reduction == "none" else getattr(losses, reduction)()
    assert torch.allclose(out, F.cosine_embedding_loss(a, b, y, margin=margin, reduction=reduction), rtol=0, atol=1e-9)
    return out


def similarity():
    y = torch.tensor([1, -1, -1, 1])
    function("cosineSimilarity", "cosineSimilarity", [normal("cs", (3, 4)), normal("ct", (3, 4))], {}, lambda a, b: F.cosine_similarity(a, b, dim=-1))
    for i, (name, f, shape, options) in enumerate([
        ("cosineEmbedding", cosine_embedding, (4, 3), {}), ("cosineEmbedding", cosine_embedding, (4, 3), {"margin": -0.25}),
        ("marginRanking", F.margin_ranking_loss, (4,), {}), ("marginRanking", F.margin_ranking_loss, (4,), {"margin": 0.5}),
    ]):
        for reduction in reductions(i):
            both = {**options, "reduction": reduction}
            id = f"{name}/{both}"
            function(id, name, [normal(f"{id}/a", shape), normal(f"{id}/b", shape), y], both, lambda a, b, t: f(a, b, t.to(a.dtype), **both))
    for i, options in enumerate([{}, {"margin": 0.25}]):
        both = {**options, "reduction": REDUCTIONS[i]}
        id = f"tripletMargin/{both}"
        function(id, "tripletMargin", [normal(f"{id}/{i}", (4, 3)) for i in "apn"], both, lambda a, p, n: F.triplet_margin_loss(a, p, n, **both))
    for reduction in ["mean", "sum"]:
        function(f"softMargin/{reduction}", "softMargin", [normal("sm", (4, 3), 2), integers("sn", (4, 3), 0, 2) * 2 - 1], {"reduction": reduction}, lambda x, t: F.soft_margin_loss(x, t.to(x.dtype), reduction=reduction))


def ctc():
    # Repetitions, labels that just fit, one label, none.
    cases = {
        "lengths": ((6, 9, 5), [[1, 2, 2, 3], [4, 4, 0, 0], [3, 0, 0, 0], [1, 2, 3, 4], [0, 0, 0, 0], [3, 3, 3, 0]], [9, 5, 7, 4, 3, 5], [4, 2, 1, 4, 0, 3], 0),
        "blank": ((2, 6, 4), [[0, 1, 0], [1, 1, 2]], None, None, 3),
        "long": ((2, 40, 6), [[1, 2, 3, 4, 5, 1, 2], [5, 5, 4, 4, 3, 3, 1]], None, None, 0),
    }
    for i, (name, (shape, labels, inputs, targets, blank)) in enumerate(cases.items()):
        labels = torch.tensor(labels)
        n, times, _ = shape
        sizes = (torch.tensor(inputs or [times] * n), torch.tensor(targets or [labels.shape[1]] * n))
        for reduction in reductions(i):
            options = {"reduction": reduction, "blank": blank, **({} if inputs is None else {"inputLengths": inputs, "labelLengths": targets})}
            function(f"ctcLoss/{name}-{reduction}", "ctcLoss", [normal(f"ctc/{name}", shape, 2), labels], options,
                     lambda x, y: F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), y, *sizes, blank=blank, reduction=reduction))
    # The first example's labels do not fit: they need a blank between.
    labels, options = torch.tensor([[1, 1], [1, 0]]), {"reduction": "sum", "zeroInfinity": True, "labelLengths": [2, 1]}
    function("ctcLoss/impossible", "ctcLoss", [normal("ctc/impossible", (2, 2, 3)), labels], options,
             lambda x, y: F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), y, torch.tensor([2, 2]), torch.tensor([2, 1]), reduction="sum", zero_infinity=True))


# ── training ───────────────────────────────────────────────────────────────────────────


def training(steps=6, rate=0.125):
    """A small network of all the usual layers, trained by gradient descent."""
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5, momentum=0.25), nn.SiLU(), nn.Linear(5, 3),
    )
    parameters = {name: normal(f"training/{name}", tuple(p.shape), 0.5) for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        p.data = parameters[name].clone()
    x, y = normal("training/x", (steps, 6, 2, 4, 4)), integers("training/y", (steps, 6), 0, 3)
    losses = []
    model.train()
    for i in range(steps):
        loss = F.cross_entropy(model(x[i]), y[i])
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss)
    turn = lambda name, p: p.T if name.endswith("weight") and p.dim() == 2 else p
    state = {f"layers[{i}]": {"mean": value(m.running_mean), "variance": value(m.running_var)} for i, m in enumerate(model) if hasattr(m, "running_mean")}
    model.eval()
    record("training", "training", rate=rate, x=value(x), y=value(y), losses=value(torch.stack(losses)), state=state,
           parameters={n: value(turn(n, p)) for n, p in parameters.items()},
           trained={n: value(turn(n, p)) for n, p in model.named_parameters()}, logits=value(model(x[0])))


def main():
    for family in (linear, embedding, convolution, pooling, norms, others, activations, classes, regression, similarity, ctc, training):
        family()
    path = Path(__file__).parents[1] / "torch" / "layers.json"
    lines = [json.dumps(c, separators=(",", ":"), allow_nan=False) for c in CASES]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    print(f"torch {torch.__version__}: {len(CASES)} cases, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
