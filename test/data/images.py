"""Writes images.json: PNG files made by Pillow, and with every filter by hand, in base64, with their pixels.
usage: python test/data/images.py   (numpy, pillow)"""
import base64
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image

text = lambda data: base64.b64encode(data).decode()
rng = np.random.default_rng(0)
images = []


def add(name, image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    image = Image.open(io.BytesIO(file.getvalue()))
    rgba = image.convert("RGBA")
    mode = {"1": "L", "P": "RGBA" if "transparency" in options else "RGB"}.get(image.mode, image.mode)
    own = np.asarray(rgba if mode == "RGBA" else image.convert(mode))
    images.append(dict(name=name, file=text(file.getvalue()), shape=[*own.shape[:2], own.shape[2] if own.ndim == 3 else 1], pixels=own.ravel().tolist(),
                       rgb=np.asarray(image.convert("RGB")).ravel().tolist(), gray=np.asarray(image.convert("L")).ravel().tolist()))


noise = lambda h, w, *c: rng.integers(0, 256, (h, w, *c), dtype=np.uint8)
add("gray", Image.fromarray(noise(5, 7)))
add("RGB", Image.fromarray(noise(6, 4, 3)))
add("one pixel", Image.fromarray(noise(1, 1, 3)))
gradient = (np.add.outer(np.arange(24) * 5, np.arange(20) * 3)[..., None] + [0, 40, 90]).astype(np.uint8)
add("smooth RGB, filtered", Image.fromarray(gradient), optimize=True)
add("RGBA", Image.fromarray(noise(4, 5, 4), "RGBA"))
add("gray and alpha", Image.fromarray(noise(3, 9, 2), "LA"))
add("1 bit", Image.fromarray(noise(5, 11) > 128))
for colours in (2, 4, 16, 200):
    p = Image.fromarray((noise(6, 13) % colours).astype(np.uint8), "P")
    p.putpalette(noise(1, colours * 3).ravel().tolist())
    add(f"palette of {colours}", p)
p = Image.fromarray((noise(6, 13) % 8).astype(np.uint8), "P")
p.putpalette(noise(1, 24).ravel().tolist())
add("palette with alpha", p, transparency=bytes([0, 128, 255]))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def by_hand(pixels, filters, colour=2, depth=8, interlace=0, parts=1):
    """Filters as the specification has them, one for each row."""
    h, w, c = pixels.shape
    out = b""
    raw = pixels.reshape(h, w * c).astype(int)
    for y, kind in enumerate(filters):
        line = raw[y]
        left = np.concatenate([np.zeros(c, int), line[:-c]])
        above = raw[y - 1] if y else np.zeros(w * c, int)
        corner = np.concatenate([np.zeros(c, int), above[:-c]])
        p = left + above - corner
        pa, pb, pc = abs(p - left), abs(p - above), abs(p - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, above, corner))
        predicted = [0, left, above, (left + above) // 2, paeth][kind]
        out += bytes([kind]) + ((line - predicted) % 256).astype(np.uint8).tobytes()
    z = zlib.compress(out)
    cut = [z[i * len(z) // parts : (i + 1) * len(z) // parts] for i in range(parts)]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace)) + b"".join(chunk(b"IDAT", part) for part in cut) + chunk(b"IEND", b"")


pixels = noise(10, 6, 3)
file = by_hand(pixels, [0, 1, 2, 3, 4, 4, 3, 2, 1, 0], parts=3)
assert (np.asarray(Image.open(io.BytesIO(file))) == pixels).all()
images.append(dict(name="all five filters, three parts", file=text(file), shape=[10, 6, 3], pixels=pixels.ravel().tolist(),
                   rgb=pixels.ravel().tolist(), gray=np.asarray(Image.fromarray(pixels).convert("L")).ravel().tolist()))
deep = io.BytesIO()
Image.fromarray(rng.integers(0, 65536, (2, 2)).astype(np.uint16)).save(deep, "PNG")
refused = {
    "interlaced": text(by_hand(pixels, [0] * 10, interlace=1)),
    "16 bits": text(deep.getvalue()),
}
bad = b"\x05" + b"\0" * 18
refused["filter 5"] = text(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 1, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bad)) + chunk(b"IEND", b""))
out = dict(origin=f"test/data/images.py with numpy {np.__version__}, pillow {PIL.__version__}", images=images, refused=refused)
pathlib.Path(__file__).with_name("images.json").write_text(json.dumps(out) + "\n")
