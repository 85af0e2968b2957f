"""Recurrent nets, attention and transformer blocks of PyTorch: values, and gradients of everything.

In test/oracle, `python -m generate.torch_sequences` writes torch/recurrent.json and torch/attention.json.
Needs torch 2.13 and nothing else. Everything is float64. Weights are stored as the library has them: [inputs, outputs],
the two biases of a recurrent cell added up.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
HERE = Path(__file__).resolve().parents[1] / "torch"


def draw(shape, generator, scale=0.5):
    """Normal values of two decimals: short to print."""
    return torch.round(torch.randn(shape, generator=generator) * scale * 100) / 100


def value(tensor):
    data = [int(x) if float(x).is_integer() else float(x) for x in tensor.detach().reshape(-1).tolist()]
    return {"shape": list(tensor.shape), "data": data}


def fill(module, generator):
    for parameter in module.parameters():
        with torch.no_grad():
            parameter.copy_(draw(parameter.shape, generator))


def pull(outputs, generator):
    """Backpropagates hashed cotangents and returns them."""
    cotangents = [draw(out.shape, generator, 1.0) for out in outputs]
    sum((out * ct).sum() for out, ct in zip(outputs, cotangents)).backward()
    return [value(ct) for ct in cotangents]


def by_parameter(read):
    """Weights, and their gradients, in the library's layout."""
    return {"value": read(lambda p: p.data), "gradient": read(lambda p: p.grad)}


# ── recurrent nets ─────────────────────────────────────────────────────────────────────


def cells(net, kind, layers, directions, bias):
    size = net.hidden_size

    def read(what, join):
        result = []
        for layer in range(layers):
            for direction in range(directions):
                suffix = f"l{layer}" + ("_reverse" if direction else "")
                w, u = (what(getattr(net, f"weight_{side}_{suffix}")) for side in ("ih", "hh"))
                cell = {"inputWeight": value(w.T), "stateWeight": value(u.T)}
                if bias:
                    b_ih, b_hh = (what(getattr(net, f"bias_{side}_{suffix}")) for side in ("ih", "hh"))
                    b = join(b_ih, b_hh)
                    if kind == "GRU":
                        b = torch.cat([b[: 2 * size], b_ih[2 * size :]])
                        cell["candidateBias"] = value(b_hh[2 * size :])
                    cell["bias"] = value(b)
                result.append(cell)
        return result

    # The gradient of a sum is that of each of its terms.
    return {"value": read(lambda p: p.data, torch.add), "gradient": read(lambda p: p.grad, lambda a, _: a)}


def recurrent(id, kind, *, layers=1, directions=1, lengths=None, bias=True, nonlinearity="tanh"):
    generator = torch.Generator().manual_seed(sum(map(ord, id)))
    batch, time, inputs, size = 3, 4, 2, 3
    options = {"nonlinearity": nonlinearity} if kind == "RNN" else {}
    net = getattr(nn, kind)(inputs, size, num_layers=layers, bidirectional=directions == 2, batch_first=True, bias=bias, **options)
    fill(net, generator)
    x = draw((batch, time, inputs), generator, 1.0).requires_grad_()
    first = [draw((layers * directions, batch, size), generator).requires_grad_() for _ in range(2 if kind == "LSTM" else 1)]
    carry = tuple(first) if kind == "LSTM" else first[0]
    if lengths is None:
        out, last = net(x, carry)
    else:
        packed, last = net(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), carry)
        out, _ = pad_packed_sequence(packed, batch_first=True, total_length=time)
    last = list(last) if kind == "LSTM" else [last]
    cotangents = pull([out, *last], generator)
    return {
        "id": id, "kind": kind, "layers": layers, "bidirectional": directions == 2, "lengths": lengths, "bias": bias,
        "activation": nonlinearity, "x": value(x), "carry": [value(c) for c in first],
        "cells": cells(net, kind, layers, directions, bias),
        "outputs": value(out), "last": [value(c) for c in last], "cotangents": cotangents,
        "dx": value(x.grad), "dcarry": [value(c.grad) for c in first],
    }


def recurrent_cases():
    for kind, nonlinearity in [("RNN", "tanh"), ("RNN", "relu"), ("GRU", "tanh"), ("LSTM", "tanh")]:
        name = f"{kind}-{nonlinearity}" if kind == "RNN" else kind
        yield recurrent(f"{name}", kind, nonlinearity=nonlinearity)
        yield recurrent(f"{name}/2-layers-bidirectional", kind, layers=2, directions=2, nonlinearity=nonlinearity)
        yield recurrent(f"{name}/2-layers-bidirectional-packed", kind, layers=2, directions=2, lengths=[2, 4, 1], nonlinearity=nonlinearity)
    yield recurrent("LSTM/2-layers-packed", "LSTM", layers=2, lengths=[4, 1, 3])
    yield recurrent("GRU/without-bias", "GRU", bias=False, lengths=[3, 2, 4])
    yield recurrent("LSTM/without-bias", "LSTM", bias=False, directions=2)


# ── attention ──────────────────────────────────────────────────────────────────────────

MINUS = float("-inf")


def projections(attention, bias):
    size = attention.embed_dim

    def read(what):
        if attention.in_proj_weight is not None:
            weights = what(attention.in_proj_weight).split(size)
        else:
            weights = [what(getattr(attention, f"{name}_proj_weight")) for name in "qkv"]
        biases = what(attention.in_proj_bias).split(size) if bias else [None] * 3
        result = {
            name: {"weight": value(w.T), **({} if b is None else {"bias": value(b)})}
            for name, w, b in zip(("query", "key", "value"), weights, biases)
        }
        out = attention.out_proj
        result["output"] = {"weight": value(what(out.weight).T), **({"bias": value(what(out.bias))} if bias else {})}
        return result

    return read


def attention(id, *, keys=None, kdim=None, vdim=None, bias=True, allowed=None, additive=None, lengths=None, causal=False):
    generator = torch.Generator().manual_seed(sum(map(ord, id)))
    batch, time, size, heads = 2, 4, 6, 2
    net = nn.MultiheadAttention(size, heads, bias=bias, batch_first=True, kdim=kdim, vdim=vdim)
    fill(net, generator)
    query = draw((batch, time, size), generator, 1.0).requires_grad_()
    own = keys is None
    key = query if own else draw((batch, keys, kdim or size), generator, 1.0).requires_grad_()
    values = query if own else draw((batch, keys, vdim or size), generator, 1.0).requires_grad_()
    mask, padding = None, None
    if allowed is not None:
        mask = ~torch.tensor(allowed)
    if additive is not None:
        mask = torch.tensor(additive)
    if causal:
        mask = torch.ones(time, key.shape[1], dtype=torch.bool).triu(1)
    if lengths is not None:
        padding = torch.arange(key.shape[1])[None] >= torch.tensor(lengths)[:, None]
    out, weights = net(query, key, values, attn_mask=mask, key_padding_mask=padding, average_attn_weights=False)
    cotangents = pull([out], generator)
    case = {
        "id": id, "size": size, "heads": heads, "bias": bias, "keyInputs": kdim, "valueInputs": vdim,
        "allowed": allowed, "additive": None if additive is None else [["-inf" if x == MINUS else x for x in row] for row in additive],
        "lengths": lengths, "causal": causal,
        "query": value(query), "parameters": by_parameter(projections(net, bias)),
        "out": value(out), "weights": value(weights), "cotangents": cotangents, "dquery": value(query.grad),
    }
    if not own:
        case |= {"keys": value(key), "values": value(values), "dkeys": value(key.grad), "dvalues": value(values.grad)}
    return case


def block(id, *, norm_first, lengths=None, causal=False):
    generator = torch.Generator().manual_seed(sum(map(ord, id)))
    batch, time, size, heads, hidden = 2, 4, 6, 2, 8
    net = nn.TransformerEncoderLayer(size, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first)
    fill(net, generator)
    x = draw((batch, time, size), generator, 1.0).requires_grad_()
    mask = torch.ones(time, time, dtype=torch.bool).triu(1) if causal else None
    padding = None if lengths is None else torch.arange(time)[None] >= torch.tensor(lengths)[:, None]
    out = net(x, src_mask=mask, src_key_padding_mask=padding)
    cotangents = pull([out], generator)

    def read(what):
        linear = lambda layer: {"weight": value(what(layer.weight).T), "bias": value(what(layer.bias))}
        norm = lambda layer: {"weight": value(what(layer.weight)), "bias": value(what(layer.bias))}
        return {
            "attention": projections(net.self_attn, True)(what),
            "expand": linear(net.linear1), "contract": linear(net.linear2),
            "norm1": norm(net.norm1), "norm2": norm(net.norm2),
        }

    return {
        "id": id, "size": size, "heads": heads, "hidden": hidden, "norm": "pre" if norm_first else "post",
        "lengths": lengths, "causal": causal, "x": value(x), "parameters": by_parameter(read),
        "out": value(out), "cotangents": cotangents, "dx": value(x.grad),
    }


def attention_cases():
    allowed = [[True, False, True, True], [False, True, True, False], [True, True, False, False], [False, False, False, True]]
    additive = [[0.5, MINUS, 0, -1], [0.25, 1, MINUS, 0], [MINUS, MINUS, 2, 0], [0, 0, 0, 1.5]]
    yield attention("self")
    yield attention("self-without-bias", bias=False)
    yield attention("cross", keys=5)
    yield attention("cross-of-other-widths", keys=3, kdim=4, vdim=5)
    yield attention("boolean-mask", allowed=allowed)
    yield attention("additive-mask", additive=additive)
    yield attention("lengths", lengths=[3, 1])
    yield attention("cross-lengths", keys=5, lengths=[2, 5])
    yield attention("causal", causal=True)


def block_cases():
    for norm_first in (True, False):
        name = "pre" if norm_first else "post"
        yield block(f"{name}", norm_first=norm_first)
        yield block(f"{name}-causal-lengths", norm_first=norm_first, causal=True, lengths=[4, 2])


def write(name, content):
    lines = ",\n".join(f'"{key}": [\n' + ",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in cases) + "\n]" for key, cases in content.items())
    path = HERE / name
    path.write_text("{\n" + lines + "\n}\n", "utf-8")
    print(f"{name:24} {sum(map(len, content.values())):3} cases {path.stat().st_size / 1024:8.1f} KiB")


if __name__ == "__main__":
    write("recurrent.json", {"recurrent": list(recurrent_cases())})
    write("attention.json", {"attention": list(attention_cases()), "blocks": list(block_cases())})
