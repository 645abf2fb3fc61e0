# SPDX-License-Identifier: Apache-2.0
"""Segmentation: a U-shape whose way up is transposed convolutions, with the 19 classes of Cityscapes."""
import io

import numpy as np
import torch
from PIL import Image
from torch import nn

import common
import streets
from common import conv_bn

TRAIN, CALIB, TEST = common.unless_trial(700, 48), 16, 40
CUT = 112  # width of what a training step sees of each picture
CYCLES = [(800, 5e-3)]  # steps, rate; each with pictures of its own
CITIES = {"calib": ("train", "kalibstadt"), "test": ("val", "teststadt")}


def up(c_in, c_out):
    return nn.Sequential(nn.ConvTranspose2d(c_in, c_out, 2, 2, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())


class UNet(nn.Module):
    """128 x 256 down to 8 x 16 and up again; each level takes what the way down has of the same size."""

    def __init__(self, classes=19, c=(16, 24, 48, 96)):
        super().__init__()
        self.stem = conv_bn(3, c[0], 3, 2)
        self.down = nn.ModuleList(nn.Sequential(conv_bn(a, b, 3, 2), common.Residual(b, b)) for a, b in zip(c, c[1:]))
        self.up = nn.ModuleList(up(b, a) for a, b in zip(c, c[1:]))
        self.join = nn.ModuleList(conv_bn(2 * a, a) for a in c[:-1])
        self.head = nn.ConvTranspose2d(c[0], classes, 4, 2, 1)

    def forward(self, x):
        x = self.stem(x)
        ways = []
        for down in self.down:
            ways.append(x)
            x = down(x)
        for way, up, join in reversed(list(zip(ways, self.up, self.join))):
            x = join(torch.cat([up(x), way], 1))
        return self.head(x)


def png(pixels):
    f = io.BytesIO()
    Image.fromarray(pixels).save(f, "PNG", optimize=True)
    return f.getvalue()


def data():
    for split, n in (("test", TEST), ("calib", CALIB)):
        part, city = CITIES[split]
        for i in range(n):
            rgb, labels = streets.picture(common.rng_of(split, i))
            frame = f"{part}/{city}/{city}_000000_{i:06d}"
            common.write(common.DEMO / f"data/streets/leftImg8bit/{frame}_leftImg8bit.png", png(rgb))
            if split == "test":
                common.write(common.DEMO / f"data/streets/gtFine/{frame}_gtFine_labelIds.png", png(labels))


def sample(i):
    rgb, labels = streets.picture(common.rng_of("train", i))
    return rgb, streets.train_ids(labels)


def mean_iou(logits, truth, classes=19):
    both = truth.flatten() * classes + logits.argmax(1).flatten()
    m = torch.bincount(both, minlength=classes**2).reshape(classes, classes).double()
    union = m.sum(0) + m.sum(1) - m.diag()
    return float((m.diag() / union)[union > 0].mean())


def model(work, name):
    net = UNet()
    held = [sample(10**6 + i) for i in range(16)]
    held_x = common.normalised(np.stack([h[0] for h in held]))
    held_y = torch.from_numpy(np.stack([h[1] for h in held]).astype(np.int64))
    for k, (steps, peak) in enumerate(CYCLES):
        images, labels = common.cached(work, f"streets{k}", TRAIN, lambda i: sample(i + k * TRAIN))
        share = np.bincount(labels.ravel(), minlength=19) / labels.size
        weight = torch.from_numpy(np.where(share > 0, np.clip((0.02 / np.maximum(share, 1e-6))**0.5, 0.4, 3), 1)).float()

        def batch(rng):
            pick, left = rng.integers(0, TRAIN, 8), rng.integers(0, streets.W - CUT + 1)
            x, y = images[pick, :, left:left + CUT], labels[pick, :, left:left + CUT]
            if rng.random() < 0.5:
                x, y = x[:, :, ::-1], y[:, :, ::-1]
            light = rng.uniform(0.8, 1.2, (8, 1, 1, 1)).astype(np.float32)
            return common.normalised(x * light), torch.from_numpy(y.astype(np.int64))

        common.train(work, f"{name}{k}", net, batch, lambda net, x, y: nn.functional.cross_entropy(net(x), y, weight), steps, peak,
                     every=50, report=lambda net: f"held-out mIoU {mean_iou(net(held_x), held_y):.3f}")
    common.export(net, torch.zeros(1, 3, streets.H, streets.W), name, outputs=["logits"])


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
