"""Writes fixtures.json: files made by NumPy and by the safetensors package, in base64, with what they hold.
usage: python test/io/fixtures.py   (numpy, torch, safetensors)"""
import base64
import io
import json
import pathlib
import struct

import numpy as np
import safetensors
import torch
from safetensors.torch import save

text = lambda data: base64.b64encode(data).decode()


def listed(array):
    """Numbers as text where JSON has none for them."""
    flat = np.asarray(array).ravel(order="C").tolist()
    return [v if not isinstance(v, float) or np.isfinite(v) and not (v == 0 and np.signbit(v)) else str(v) for v in flat]


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


arrays = []
matrix = np.arange(24).reshape(2, 3, 4)
for name in ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]:
    values = (matrix * 7 - (0 if name[0] in "ub" else 80)) % (2 if name == "b1" else 10**6)
    if name[0] in "i":
        values = matrix * 7 - 80
    if name[0] == "f":
        values = (matrix - 11) / 3
    for order in "<>" if name[1] != "1" else "|":
        for layout in "CF":
            a = np.array(values.astype(order + name), dtype=order + name, order=layout)
            arrays.append(dict(name=f"{order}{name} {layout}", shape=a.shape, values=listed(a.astype(a.dtype.newbyteorder("="))), file=text(npy(a))))
specials = np.array([np.nan, np.inf, -np.inf, -0.0, 65504, 6e-8, -6.1e-5, 1 / 3], dtype="<f2")
arrays.append(dict(name="special halves", shape=specials.shape, values=listed(specials), file=text(npy(specials))))
for name, a in [
    ("0-dimensional", np.float32(2.5).reshape(())),
    ("empty", np.zeros((0, 3), "<f4")),
    ("one axis", np.arange(5, dtype="<i4")),
    ("version 2", np.arange(3, dtype="<f4")),
    ("version 3", np.arange(3, dtype="<f8")),
]:
    version = (int(name[-1]), 0) if name.startswith("version") else None
    arrays.append(dict(name=name, shape=a.shape, values=listed(a), file=text(npy(a, version=version))))

# What writeNpy must give, byte for byte.
written = []
for dtype, np_name in [("float32", "f4"), ("float64", "f8"), ("int32", "i4"), ("uint32", "u4"), ("int8", "i1"), ("uint8", "u1"), ("bool", "?")]:
    for shape in [(), (6,), (2, 3), (1, 2, 3), (0, 4)]:
        a = (np.arange(np.prod(shape, dtype=int)) % 2 if np_name == "?" else np.arange(np.prod(shape, dtype=int))).astype(np_name).reshape(shape)
        written.append(dict(dtype=dtype, shape=shape, values=listed(a), file=text(npy(a))))

refused = {}
for name, a in [
    ("complex", np.zeros(2, "<c8")),
    ("text", np.array(["a", "bc"])),
    ("records", np.zeros(2, [("x", "<f4"), ("y", "<i4")])),
    ("dates", np.zeros(2, "<M8[s]")),
]:
    refused[name] = text(npy(a))
wide = text(npy(np.array([1, 2**40, -(2**40)], "<i8")))

archives = []
contents = dict(x=np.linspace(0, 1, 50, dtype="<f4").reshape(5, 10), y=np.arange(5), names=np.array([True, False]))
for name, write in [("savez", np.savez), ("savez_compressed", np.savez_compressed)]:
    file = io.BytesIO()
    write(file, **contents)
    archives.append(dict(name=name, file=text(file.getvalue()), arrays={k: dict(shape=v.shape, values=listed(v)) for k, v in contents.items()}))

ten = torch.arange(6).reshape(2, 3)
tensors = {
    "layer.0.weight": (ten / 3).to(torch.float32),
    "layer.0.bias": torch.tensor([0.1, -2.5], dtype=torch.float64),
    "half": torch.tensor([1.5, -0.0, float("inf"), 6e-8], dtype=torch.float16),
    "brain": torch.tensor([1.0, -3.140625, 1e30, float("nan")], dtype=torch.bfloat16),
    "long": ten.to(torch.int64) - 3,
    "int": ten.to(torch.int32) - 3,
    "short": ten.to(torch.int16) - 3,
    "byte": ten.to(torch.uint8),
    "signed": ten.to(torch.int8) - 3,
    "mask": ten > 2,
    "scalar": torch.tensor(7.0),
    "none": torch.zeros((0, 4)),
    "ünï": torch.tensor([1.0]),
}
bytes_ = save(tensors, metadata={"format": "pt", "note": "a \"quoted\" ☃"})
torch_file = dict(
    file=text(bytes_),
    metadata={"format": "pt", "note": "a \"quoted\" ☃"},
    tensors={k: dict(dtype=str(v.dtype).removeprefix("torch."), shape=list(v.shape), values=listed(v.to(torch.float32).numpy() if v.dtype == torch.bfloat16 else v.numpy())) for k, v in tensors.items()},
)

out = dict(
    origin=f"test/io/fixtures.py with numpy {np.__version__}, torch {torch.__version__}, safetensors {safetensors.__version__}",
    npy=arrays, npyWritten=written, npyRefused=refused, npyWide=wide, npz=archives, safetensors=torch_file,
)
pathlib.Path(__file__).with_name("fixtures.json").write_text(json.dumps(out, indent=2, ensure_ascii=False) + "\n")
