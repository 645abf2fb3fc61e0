# SPDX-License-Identifier: Apache-2.0
"""Classification: a residual net, an inverted-residual net with squeeze and hard-swish, a vision transformer."""
import numpy as np
import torch
from torch import nn

import common
import draw
import shapes
from common import conv_bn

TRAIN, CALIB, TEST = common.unless_trial(5000, 48), 60, 500


class ResNet(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            conv_bn(3, 16, 3, 2), common.Residual(16, 16), common.Residual(16, 32, 2), common.Residual(32, 64, 2),
            common.Residual(64, 128, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


class Squeeze(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c // 4, 1), nn.ReLU(), nn.Conv2d(c // 4, c, 1),
                               nn.Hardsigmoid())

    def forward(self, x):
        return x * self.f(x)


class Inverted(nn.Module):
    """MobileNet v3's block: wider by 1x1, depthwise, squeeze-and-excite, narrow again; a shortcut where sizes allow."""

    def __init__(self, c_in, c_out, stride, k=3, wider=4):
        super().__init__()
        c = c_in * wider
        self.short = stride == 1 and c_in == c_out
        self.f = nn.Sequential(conv_bn(c_in, c, 1, act=nn.Hardswish), conv_bn(c, c, k, stride, c, act=nn.Hardswish),
                               Squeeze(c), conv_bn(c, c_out, 1, act=None))

    def forward(self, x):
        return x + self.f(x) if self.short else self.f(x)


class MobileNet(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            conv_bn(3, 16, 3, 2, act=nn.Hardswish), Inverted(16, 24, 2, wider=3), Inverted(24, 24, 1), Inverted(24, 40, 2, 5),
            Inverted(40, 40, 1, 5), Inverted(40, 64, 2, 5), Inverted(64, 64, 1, 5), conv_bn(64, 192, 1, act=nn.Hardswish),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, classes))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.each = heads, dim // heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, self.each).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-2, -1) * self.each**-0.5, -1)
        return self.out((a @ v).transpose(1, 2).reshape(n, t, d))


class Encoder(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim), nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """ViT's hybrid form: tokens of 8 x 8 pixels from a short residual net, four encoders, the mean over the tokens. Patches
    cut out directly need far more pictures than there are here to learn what an edge is."""

    def __init__(self, classes, dim=96, depth=4, heads=4):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 24, 3, 2), common.Residual(24, 48, 2), common.Residual(48, 96, 2),
                                  nn.Conv2d(96, dim, 1))
        self.place = nn.Parameter(0.02 * torch.randn(1, (shapes.CROP // 8)**2, dim))
        self.blocks = nn.Sequential(*(Encoder(dim, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.norm(self.blocks(x)).mean(1))


WARMTH = 2.0  # what divides scores in distillation
# the network, cycles of training (steps, rate), who teaches it, the operator set of its file
MODELS = {"shapes-resnet": (ResNet, [(1500, 3e-3)], None, common.OPSET),
          "shapes-mobilenet": (MobileNet, [(1200, 4e-3)], None, common.OPSET),
          # operator set 13 as most published transformers: layer normalisation in single operators
          "shapes-vit": (ViT, [(3500, 1.5e-3)], "shapes-resnet", 13)}


def file_of(split, i):
    return draw.jpeg(shapes.picture(common.rng_of(split, i), i % len(shapes.CLASSES)))


def data():
    for split, folder, n in (("test", "val", TEST), ("calib", "train", CALIB)):
        for i in range(n):
            name = shapes.CLASSES[i % len(shapes.CLASSES)]
            common.write(common.DEMO / f"data/shapes/{folder}/{name}/{name}_{i // len(shapes.CLASSES):03d}.jpg",
                         file_of(split, i))


def sample(i):
    return shapes.seen(draw.decoded(file_of("train", i))), np.int64(i % len(shapes.CLASSES))


def trained(work, name, batch, report):
    """The network as its checkpoint has it, trained where it is not yet."""
    make, cycles, teacher, _ = MODELS[name]
    net = make(len(shapes.CLASSES))
    if teacher:
        teacher = trained(work, teacher, batch, report)

    def loss(net, x, y):
        """With a teacher (distillation): what it says of the same cut of a picture counts more than the label."""
        scores = net(x)
        told = nn.functional.cross_entropy(scores, y, label_smoothing=0.05)
        if not teacher:
            return told
        with torch.no_grad():
            sure = torch.softmax(teacher(x).float() / WARMTH, 1)
        soft = nn.functional.cross_entropy(scores.float() / WARMTH, sure)
        return 0.2 * told + 0.8 * WARMTH**2 * soft

    for k, (steps, peak) in enumerate(cycles):
        common.train(work, f"{name}{k}", net, batch, loss, steps, peak, report=report, bf16=True)
    return net


def model(work, name):
    images, labels = common.cached(work, "shapes", TRAIN, sample)
    room = shapes.RESIZED - shapes.CROP

    def batch(rng):
        """Cut at random, mirrored, turned by quarters, colour channels exchanged: outlines stay what they are."""
        pick = rng.integers(0, TRAIN, 64)
        out = np.empty((64, shapes.CROP, shapes.CROP, 3), np.uint8)
        for k, i in enumerate(pick):
            y, x = rng.integers(0, room + 1, 2)
            cut = images[i, y:y + shapes.CROP, x:x + shapes.CROP, rng.permutation(3)].transpose(1, 2, 0)
            cut = np.rot90(cut[:, ::-1] if rng.random() < 0.5 else cut, rng.integers(4))
            out[k] = cut
        return common.normalised(out), torch.from_numpy(labels[pick])

    half = room // 2
    held = [(draw.decoded(file_of("calib", i)), i % len(shapes.CLASSES)) for i in range(CALIB * 4, CALIB * 8)]
    x = common.normalised(np.stack([shapes.seen(h[0])[half:half + shapes.CROP, half:half + shapes.CROP] for h in held]))
    y = torch.tensor([h[1] for h in held])

    def report(net):
        return f"held-out top-1 {float((net(x).argmax(1) == y).float().mean()):.3f}"

    net = trained(work, name, batch, report)
    common.export(net, torch.zeros(1, 3, shapes.CROP, shapes.CROP), name, opset=MODELS[name][3])


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
