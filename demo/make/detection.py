# SPDX-License-Identifier: Apache-2.0
"""Detection: a small YOLOX. Focus, blocks with SiLU, a pyramid of three levels, decoupled heads, one row per cell.

A cell near an object's centre, on the level for the object's size, is to find it (YOLOX's own assignment weighs costs;
with things this distinct the rule does).
"""
import json

import numpy as np
import torch
from torch import nn

import common
import draw
import sky
from common import conv_bn

TRAIN, CALIB, TEST = common.unless_trial(2400, 48), 24, 120
SIZE, STRIDES, LEVELS = 192, (8, 16, 32), ((0, 30), (24, 60), (48, 1000))
CLASSES = len(sky.NAMES)
FIRST_ID = 1


def conv(c_in, c_out, k=3, stride=1):
    return conv_bn(c_in, c_out, k, stride, act=nn.SiLU)


class Split(nn.Module):
    """CSP: half of the channels through a bottleneck with a shortcut, half past it."""

    def __init__(self, c):
        super().__init__()
        h = c // 2
        self.a, self.b, self.out = conv(c, h, 1), conv(c, h, 1), conv(c, c, 1)
        self.m = nn.Sequential(conv(h, h, 1), conv(h, h))

    def forward(self, x):
        a = self.a(x)
        return self.out(torch.cat([a + self.m(a), self.b(x)], 1))


class YOLOX(nn.Module):
    """(1,3,192,192), B,G,R of 0..255, to rows (1,756,10): box, objectness, classes; as YOLOX exports them."""

    def __init__(self, c=(16, 32, 48, 96, 128), head=48):
        super().__init__()
        self.logits = True  # for training; False: probabilities
        self.stem = conv(12, c[0])
        self.down = nn.ModuleList(nn.Sequential(conv(a, b, 3, 2), Split(b)) for a, b in zip(c, c[1:]))
        self.across = nn.ModuleList(conv(b, a, 1) for a, b in zip(c[2:], c[3:]))
        self.join = nn.ModuleList(nn.Sequential(conv(2 * a, a, 1), Split(a)) for a in c[2:-1])
        self.lead = nn.ModuleList(conv(a, head, 1) for a in c[2:])
        self.cls = nn.ModuleList(nn.Sequential(conv(head, head), nn.Conv2d(head, CLASSES, 1)) for _ in STRIDES)
        self.reg = nn.ModuleList(conv(head, head) for _ in STRIDES)
        self.box, self.obj = (nn.ModuleList(nn.Conv2d(head, n, 1) for _ in STRIDES) for n in (4, 1))
        for m in self.obj:
            nn.init.constant_(m.bias, -4.6)
        for m in self.cls:
            nn.init.constant_(m[1].bias, -2.0)

    def forward(self, x):
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        x, ways = self.stem(x), []
        for down in self.down:
            x = down(x)
            ways.append(x)
        levels = [ways[3]]
        for way, across, join in reversed(list(zip(ways[1:3], self.across, self.join))):
            up = nn.functional.interpolate(across(levels[0]), scale_factor=2.0, mode="nearest")
            levels.insert(0, join(torch.cat([up, way], 1)))
        rows = []
        for k, x in enumerate(levels):
            x = self.lead[k](x)
            r = self.reg[k](x)
            obj, cls = self.obj[k](r), self.cls[k](x)
            if not self.logits:
                obj, cls = torch.sigmoid(obj), torch.sigmoid(cls)
            rows.append(torch.cat([self.box[k](r), obj, cls], 1).flatten(2))
        return torch.cat(rows, 2).permute(0, 2, 1)


def file_of(split, i):
    rgb, things = sky.picture(common.rng_of(split, i))
    return rgb, draw.jpeg(rgb, 92), things


def data():
    root = common.DEMO / "data/sky"
    for split, folder, n in (("test", "val2017", TEST), ("calib", "train2017", CALIB)):
        images, objects = [], []
        for i in range(n):
            rgb, jpeg, things = file_of(split, i)
            name = f"{i + 1:012d}.jpg"
            common.write(root / folder / name, jpeg)
            images.append({"id": i + 1, "file_name": name, "width": rgb.shape[1], "height": rgb.shape[0]})
            objects += [{"id": 0, "image_id": i + 1, "category_id": FIRST_ID + k, "iscrowd": 0, "area": area, "bbox": list(box)}
                        for k, box, area in things]
        for k, o in enumerate(objects):
            o["id"] = k + 1
        categories = [{"id": FIRST_ID + k, "name": n, "supercategory": "sky"} for k, n in enumerate(sky.NAMES)]
        common.write(root / f"annotations/instances_{folder}.json",
                     json.dumps({"images": images, "annotations": objects, "categories": categories}, indent=0).encode())


def sample(i, split="train"):
    """The picture at the upper left of gray, B,G,R; boxes (9,5): class (-1: none), x, y, w, h."""
    rgb, jpeg, things = file_of(split, i)
    frame = np.full((SIZE, SIZE, 3), 114, np.uint8)
    frame[:rgb.shape[0], :rgb.shape[1]] = draw.decoded(jpeg)[:, :, ::-1]
    boxes = np.full((9, 5), -1, np.float32)
    for k, (c, box, _) in enumerate(things):
        boxes[k] = (c, *box)
    return frame, boxes


def cells():
    """Of all rows: column, row (in cells), stride."""
    out = []
    for s in STRIDES:
        n = SIZE // s
        y, x = np.mgrid[:n, :n]
        out.append(np.stack([x.ravel(), y.ravel(), np.full(n * n, s)], 1))
    return np.concatenate(out).astype(np.float32)


CELLS = cells()


def assign(boxes):
    """For each row the box that it is to find, smaller ones first, or -1."""
    out = np.full(len(CELLS), -1)
    centres = (CELLS[:, :2] + 0.5) * CELLS[:, 2:]
    for k in np.argsort(-boxes[:, 3] * boxes[:, 4]):
        c, x, y, w, h = boxes[k]
        if c < 0:
            continue
        near = (np.abs(centres - (x + w / 2, y + h / 2)) < 1.01 * CELLS[:, 2:]).all(1)
        for s, (lo, hi) in zip(STRIDES, LEVELS):
            if lo <= max(w, h) < hi:
                out[near & (CELLS[:, 2] == s)] = k
    return out


def corners(raw, grid):
    centre = (raw[..., :2] + grid[..., :2]) * grid[..., 2:]
    half = torch.exp(raw[..., 2:4].clamp(max=6)) * grid[..., 2:] / 2
    return torch.cat([centre - half, centre + half], -1)


def overlap(a, b):
    wh = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    area = lambda p: (p[:, 2] - p[:, 0]) * (p[:, 3] - p[:, 1])
    both = wh.prod(1)
    return both / (area(a) + area(b) - both + 1e-6)


def loss(net, x, which, boxes):
    rows, grid = net(x).float(), torch.from_numpy(CELLS)
    hit = which >= 0
    n = max(int(hit.sum()), 1)
    image = torch.arange(len(x))[:, None].expand_as(which)[hit]
    truth = boxes[image, which[hit]]
    want = torch.cat([truth[:, 1:3], truth[:, 1:3] + truth[:, 3:]], 1)
    got = rows[hit]
    iou = overlap(corners(got, grid[None].expand(len(x), -1, -1)[hit]), want)
    bce = nn.functional.binary_cross_entropy_with_logits
    classes = nn.functional.one_hot(truth[:, 0].long(), CLASSES) * iou.detach().clamp(min=0)[:, None]
    return (5 * (1 - iou**2).sum() + bce(rows[..., 4], hit.float(), reduction="sum") +
            bce(got[:, 5:], classes, reduction="sum")) / n


def model(work, name):
    images, boxes = common.cached(work, "sky", TRAIN, sample)

    def batch(rng):
        pick = rng.integers(0, TRAIN, 16)
        x, b = images[pick].copy(), boxes[pick].copy()
        for k in range(len(pick)):
            if rng.random() < 0.5:  # mirrored; the gray stays where it is
                w = SIZE if (x[k, :, -1] != 114).any() else sky.SHAPES[1][1]
                x[k, :, :w] = x[k, :, :w][:, ::-1].copy()
                b[k, :, 1] = w - b[k, :, 1] - b[k, :, 3]
        which = np.stack([assign(q) for q in b])
        light = rng.uniform(0.85, 1.15, (16, 1, 1, 1)).astype(np.float32)
        return common.normalised(x * light, 0, 1), torch.from_numpy(which), torch.from_numpy(b)

    held = [sample(1000 + i, "calib") for i in range(32)]
    x, b = common.normalised(np.stack([h[0] for h in held]), 0, 1), torch.from_numpy(np.stack([h[1] for h in held]))
    which = torch.from_numpy(np.stack([assign(h[1]) for h in held]))

    net = common.train(work, name, YOLOX(), batch, loss, 1200, 3e-3, bf16=True,
                       report=lambda net: f"held-out loss {float(loss(net, x, which, b)):.3f}")
    net.logits = False
    common.export(net, torch.zeros(1, 3, SIZE, SIZE), name, outputs=["rows"])


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
