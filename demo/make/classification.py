# SPDX-License-Identifier: Apache-2.0
"""Classification: a residual net, an inverted-residual net with squeeze and hard-swish."""
import numpy as np
import torch
from torch import nn

import common
import draw
import shapes
from common import conv_bn

TRAIN, CALIB, TEST = 5000, 60, 500


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


# the network, and cycles of training: steps, rate
MODELS = {"shapes-resnet": (ResNet, [(1500, 3e-3)]), "shapes-mobilenet": (MobileNet, [(1200, 4e-3)])}


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


def model(work, name):
    net, cycles = MODELS[name]
    net = net(len(shapes.CLASSES))
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

    loss = lambda net, x, y: nn.functional.cross_entropy(net(x), y, label_smoothing=0.05)
    for k, (steps, peak) in enumerate(cycles):
        common.train(work, f"{name}{k}", net, batch, loss, steps, peak, report=report, bf16=True)
    common.export(net, torch.zeros(1, 3, shapes.CROP, shapes.CROP), name)


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
