# SPDX-License-Identifier: Apache-2.0
"""Super-resolution by four: EDSR's residual blocks on the small picture, then depth to space; and bicubic interpolation as
an ONNX model, to compare with."""
import io

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from PIL import Image
from torch import nn

import common
import textures

TRAIN, CALIB, TEST, PATCH = common.unless_trial(560, 48), 7, 28, 24
S = textures.SCALE


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(c, c, 3, 1, 1), nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1))

    def forward(self, x):
        return x + self.f(x)


class EDSR(nn.Module):
    """(1,3,H,W) of 0..1 to (1,3,4H,4W). What the blocks add to is the picture with pixels repeated."""

    def __init__(self, c=28, blocks=5):
        super().__init__()
        self.head = nn.Conv2d(3, c, 3, 1, 1)
        self.body = nn.Sequential(*(Block(c) for _ in range(blocks)), nn.Conv2d(c, c, 3, 1, 1))
        self.tail = nn.Sequential(nn.Conv2d(c, 3 * S * S, 3, 1, 1), nn.PixelShuffle(S))
        nn.init.normal_(self.tail[0].weight, 0, 1e-3)

    def forward(self, x):
        h = self.head(x)
        return self.tail(h + self.body(h)) + nn.functional.interpolate(x, scale_factor=float(S), mode="nearest")


def png(pixels):
    f = io.BytesIO()
    Image.fromarray(pixels).save(f, "PNG", optimize=True)
    return f.getvalue()


def data():
    root = common.DEMO / "data/textures"
    for split, name, n in (("test", "valid", TEST), ("calib", "train", CALIB)):
        for i in range(n):
            rgb = textures.picture(common.rng_of(split, i), i)
            if split == "test":
                common.write(root / f"DIV_{name}_HR/{i + 1:04d}.png", png(rgb))
            common.write(root / f"DIV_{name}_LR_bicubic/X4/{i + 1:04d}x4.png", png(textures.small(rgb)))
    bicubic()


def bicubic():
    """Keys' kernel with a = -0.5, the one that made the small pictures."""
    dims = [1, 3, "height", "width"], [1, 3, "height4", "width4"]
    node = helper.make_node("Resize", ["image", "", "scales"], ["enlarged"], mode="cubic", cubic_coeff_a=-0.5)
    graph = helper.make_graph([node], "bicubic", [helper.make_tensor_value_info("image", TensorProto.FLOAT, dims[0])],
                              [helper.make_tensor_value_info("enlarged", TensorProto.FLOAT, dims[1])],
                              [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, S, S])])
    opset = helper.make_opsetid("", common.OPSET)
    (common.DEMO / "models").mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[opset]), common.DEMO / "models/textures-bicubic.onnx")


def sample(i):
    rgb = textures.picture(common.rng_of("train", i), i)
    return textures.small(rgb), rgb


def tensor(images):
    return common.normalised(images, 0, 255)


def psnr(a, b):
    return float((-10 * torch.log10(((a.clamp(0, 1) - b)**2).mean((1, 2, 3)))).mean())


def model(work, name):
    low, high = common.cached(work, "textures", TRAIN, sample)

    def batch(rng):
        x, y = [], []
        for i in rng.integers(0, TRAIN, 16):
            r, c = rng.integers(0, low.shape[1] - PATCH + 1, 2)
            a, b = low[i, r:r + PATCH, c:c + PATCH], high[i, S * r:S * (r + PATCH), S * c:S * (c + PATCH)]
            turn, mirror, colours = rng.integers(4), rng.random() < 0.5, rng.permutation(3)
            for p, to in ((a, x), (b, y)):
                p = np.rot90(p[:, ::-1] if mirror else p, turn)
                to.append(p[..., colours])
        return tensor(np.stack(x)), tensor(np.stack(y))

    held = [sample(10**6 + i) for i in range(14)]
    x, y = tensor(np.stack([h[0] for h in held])), tensor(np.stack([h[1] for h in held]))
    plain = tensor(np.stack([np.asarray(Image.fromarray(h[0]).resize((textures.SIZE,) * 2, Image.BICUBIC)) for h in held]))
    told = f"bicubic {psnr(plain, y):.2f} dB"
    net = common.train(work, name, EDSR(), batch, lambda net, x, y: (net(x) - y).abs().mean(), 1500, 2e-3, decay=0,
                       report=lambda net: f"held-out {psnr(net(x), y):.2f} dB, {told}")
    common.export(net, torch.zeros(1, 3, 48, 48), name, outputs=["enlarged"],
                  dynamic={"image": {2: "height", 3: "width"}, "enlarged": {2: "height4", 3: "width4"}})


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
