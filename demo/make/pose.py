# SPDX-License-Identifier: Apache-2.0
"""Pose: a residual net with one transposed convolution; a head that says for each keypoint its column and its row (SimCC)."""
import json

import numpy as np
import torch
from PIL import Image
from torch import nn

import common
import draw
import figures
from common import conv_bn

TRAIN, CALIB, TEST = common.unless_trial(2200, 48), 20, 90  # pictures
CW, CH, SPLIT, PADDING = 96, 128, 2, 1.25
FLIP = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


class SimCC(nn.Module):
    """(1,3,128,96) to columns (1,17,192) and rows (1,17,256)."""

    def __init__(self, c=(16, 32, 64, 96), keypoints=17):
        super().__init__()
        self.fine = nn.Sequential(conv_bn(3, c[0], 3, 2), conv_bn(c[0], c[1], 3, 2), common.Residual(c[1], c[1]),
                                  common.Residual(c[1], c[2], 2))
        self.coarse = nn.Sequential(common.Residual(c[2], c[3], 2), conv_bn(c[3], c[3]))
        self.up = nn.Sequential(nn.ConvTranspose2d(c[3], c[2], 4, 2, 1, bias=False), nn.BatchNorm2d(c[2]), nn.ReLU())
        self.maps = nn.Sequential(conv_bn(2 * c[2], c[2]), nn.Conv2d(c[2], keypoints, 1), nn.Flatten(2))
        cells = (CH // 8) * (CW // 8)
        self.norm = nn.LayerNorm(cells)
        self.x, self.y = nn.Linear(cells, CW * SPLIT), nn.Linear(cells, CH * SPLIT)

    def forward(self, image):
        fine = self.fine(image)
        m = self.norm(self.maps(torch.cat([fine, self.up(self.coarse(fine))], 1)).float())
        return self.x(m), self.y(m)


def data():
    root = common.DEMO / "data/figures"
    for split, folder, n in (("test", "val2017", TEST), ("calib", "train2017", CALIB)):
        images, persons = [], []
        for i in range(n):
            rgb, people = figures.picture(common.rng_of(split, i))
            name = f"{i + 1:012d}.jpg"
            common.write(root / folder / name, draw.jpeg(rgb, 92))
            images.append({"id": i + 1, "file_name": name, "width": figures.W, "height": figures.H})
            for q, box, area in people:
                persons.append({"id": len(persons) + 1, "image_id": i + 1, "category_id": 1, "iscrowd": 0, "area": area,
                                "bbox": list(box), "num_keypoints": int((q[:, 2] > 0).sum()),
                                "keypoints": [round(float(v), 1) if k % 3 < 2 else int(v) for k, v in enumerate(q.ravel())]})
        category = {"id": 1, "name": "person", "supercategory": "person", "keypoints": figures.NAMES,
                    "skeleton": figures.SKELETON}
        common.write(root / f"annotations/person_keypoints_{folder}.json",
                     json.dumps({"images": images, "annotations": persons, "categories": [category]}, indent=0).encode())


def crop(rgb, q, box, rng=None):
    """mmpose's top-down crop: the box, widened to the crop's shape and by a quarter; with rng somewhat elsewhere."""
    cx, cy = box[0] + box[2] / 2, box[1] + box[3] / 2
    w = max(box[2], box[3] * CW / CH) * PADDING
    a = 0.0
    if rng is not None:
        w *= rng.uniform(0.85, 1.25)
        cx, cy = cx + rng.uniform(-0.06, 0.06) * w, cy + rng.uniform(-0.06, 0.06) * w
        a = rng.normal(0, 0.2)
    s, c, n = w / CW, np.cos(a), np.sin(a)
    m = s * np.array([[c, -n], [n, c]])  # from the crop to the picture
    t = np.array([cx, cy]) - m @ (CW / 2, CH / 2)
    out = Image.fromarray(rgb).transform((CW, CH), Image.AFFINE, (*m[0], t[0], *m[1], t[1]), Image.BILINEAR)
    p = (q[:, :2] - t) @ np.linalg.inv(m).T
    inside = (q[:, 2] > 0) & (p >= 0).all(1) & (p < (CW, CH)).all(1)
    return np.asarray(out), np.concatenate([p, inside[:, None]], 1).astype(np.float32)


def sample(i):
    """Two crops of each of two persons of a picture (the same twice where there is one)."""
    rgb, people = figures.picture(common.rng_of("train", i))
    rng = np.random.default_rng((common.SEED, 7, i))
    both = [crop(rgb, people[k % len(people)][0], people[k % len(people)][1], rng) for k in (0, 1, 0, 1)]
    return np.stack([b[0] for b in both]), np.stack([b[1] for b in both])


def targets(q, n):
    """A bell around the true bin, as a distribution. q (N,17), in pixels."""
    bins = torch.arange(n)[None, None]
    return torch.softmax(-0.5 * ((bins - q[..., None] * SPLIT) / 3.5)**2, -1)


def similarity(net, held):
    """Mean OKS of held-out persons."""
    sigma = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000 * 2
    x, y = net(common.normalised(np.stack([h[0] for h in held])))
    p = torch.stack([x.argmax(2), y.argmax(2)], 2).numpy() / SPLIT
    out = []
    for got, (_, q, area) in zip(p, held):
        e = ((got - q[:, :2])**2).sum(1) / (2 * area * sigma**2)
        out.append(np.exp(-e)[q[:, 2] > 0].mean())
    return float(np.mean(out))


def model(work, name):
    images, points = common.cached(work, "figures", TRAIN, sample)
    images, points = images.reshape(-1, CH, CW, 3), points.reshape(-1, 17, 3)

    def batch(rng):
        pick = rng.integers(0, len(images), 32)
        x, q = images[pick], points[pick].copy()
        if rng.random() < 0.5:
            x, q = x[:, :, ::-1], q[:, FLIP]
            q[..., 0] = CW - q[..., 0]
        x = x[..., rng.permutation(3)] if rng.random() < 0.2 else x
        return common.normalised(x), torch.from_numpy(q)

    def loss(net, x, q):
        seen, total = q[..., 2], 0
        for scores, k, n in zip(net(x), (0, 1), (CW * SPLIT, CH * SPLIT)):
            total = total - ((targets(q[..., k], n) * torch.log_softmax(scores.float(), -1)).sum(-1) * seen).sum() / seen.sum()
        return total

    held = []
    for i in range(40):
        rgb, people = figures.picture(common.rng_of("calib", 1000 + i))
        for q, box, area in people:
            x, p = crop(rgb, q, box)
            w = max(box[2], box[3] * CW / CH) * PADDING
            held.append((x, p, area * (CW / w)**2))
    net = common.train(work, name, SimCC(), batch, loss, 1400, 3e-3, report=lambda net: f"held-out OKS {similarity(net, held):.3f}",
                       bf16=True)
    common.export(net, torch.zeros(1, 3, CH, CW), name, outputs=["simcc_x", "simcc_y"])


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
