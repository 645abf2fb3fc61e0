# SPDX-License-Identifier: Apache-2.0
"""Text recognition: a CRNN, convolutions down to one row, an LSTM in both directions along it, CTC."""
import numpy as np
import torch
from torch import nn

import common
import draw
import words
from common import conv_bn

TRAIN, CALIB, TEST = common.unless_trial(9000, 48), 60, 500
CYCLES = [(True, 1800, 4e-3), (False, 900, 2.5e-3)]  # hard pictures?, steps, rate


class CRNN(nn.Module):
    """(1,3,32,128) to probabilities (32,1,37); class 0 is the blank."""

    def __init__(self, classes=len(words.ALPHABET) + 1, c=(24, 40, 64, 96), hidden=64):
        super().__init__()
        self.columns = nn.Sequential(
            conv_bn(3, c[0], 3, (2, 2)), conv_bn(c[0], c[1]), nn.MaxPool2d(2), conv_bn(c[1], c[2]), conv_bn(c[2], c[2]),
            nn.MaxPool2d((2, 1)), conv_bn(c[2], c[3]), nn.MaxPool2d((2, 1)), nn.Conv2d(c[3], c[3], (2, 1), bias=False),
            nn.BatchNorm2d(c[3]), nn.ReLU())
        self.along = nn.LSTM(c[3], hidden, bidirectional=True)
        self.head = nn.Linear(2 * hidden, classes)

    def forward(self, x):
        x = self.columns(x).squeeze(2).permute(2, 0, 1)
        x = self.head(self.along(x)[0])
        return x if self.training else torch.softmax(x, 2)


def one(split, i, hard=False):
    rng = common.rng_of(split, i)
    text = words.text_of(rng, split != "train")
    return draw.jpeg(words.picture(rng, text, hard), 92), text


def data():
    root = common.DEMO / "data/words"
    for split, folder, n in (("test", "test", TEST), ("calib", "train", CALIB)):
        lines = []
        for i in range(n):
            picture, text = one(split, i)
            lines.append(f"{folder}/word_{i + 1}.jpg\t{text}\n")
            common.write(root / lines[-1].split("\t")[0], picture)
        common.write(root / f"rec_gt_{folder}.txt", "".join(lines).encode())


def sample(i, split="train", hard=False):
    picture, text = one(split, i, hard)
    codes = np.zeros(10, np.uint8)
    codes[:len(text)] = [words.ALPHABET.index(c) + 1 for c in text]
    return words.padded(draw.decoded(picture)).astype(np.uint8), codes


def tensor(images):
    return common.normalised(images, 127.5, 127.5)


def read(scores):
    """Greedy: the best class of every step, repetitions and blanks left out."""
    out = []
    for row in scores.argmax(2).T.tolist():
        out.append([c for k, c in enumerate(row) if c and (k == 0 or c != row[k - 1])])
    return out


def model(work, name):
    ctc = nn.CTCLoss(zero_infinity=True)

    def loss(net, x, y):
        scores = torch.log_softmax(net(x).float(), 2)
        return ctc(scores, y, torch.full((len(y),), scores.shape[0]), (y > 0).sum(1))

    held = [sample(1000 + i, "calib") for i in range(200)]
    x, truth = tensor(np.stack([h[0] for h in held])), [[c for c in h[1].tolist() if c] for h in held]

    def report(net):
        return f"held-out words right {np.mean([a == b for a, b in zip(read(net(x)), truth)]):.3f}"

    net = CRNN()
    for k, (hard, steps, peak) in enumerate(CYCLES):
        images, codes = common.cached(work, f"words{k}", TRAIN, lambda i: sample(i + k * 10**6, hard=hard))

        def batch(rng):
            pick = rng.integers(0, TRAIN, 40)
            x = images[pick].astype(np.float32)
            if rng.random() < 0.3:
                x = 255 - x
            return tensor(x[..., rng.permutation(3)]), torch.from_numpy(codes[pick].astype(np.int64))

        common.train(work, f"{name}{k}", net, batch, loss, steps, peak, report=report, bf16=True)
    common.export(net, torch.zeros(1, 3, words.H, words.W), name)


if __name__ == "__main__":
    o = common.options(__doc__)
    data() if o.what == "data" else model(o.work, o.name)
