# SPDX-License-Identifier: Apache-2.0
"""Detection: five kinds of things that fly, over hills. Pictures of 192 x 144 or 144 x 192; clouds are nobody's object."""
import numpy as np

import draw

NAMES = ["balloon", "kite", "bird", "airplane", "airship"]
SHAPES = [(144, 192), (192, 144)]  # (h, w)


class Sky:
    def __init__(self, rng):
        self.rng = rng
        self.h, self.w = SHAPES[int(rng.random() < 0.3)]
        self.c = draw.Canvas(np.empty((self.h, self.w, 3), np.float32), np.zeros((self.h, self.w), np.uint8))

    def ground(self):
        rng, h, w = self.rng, self.h, self.w
        y, x = draw.grid(h, w)
        line = rng.uniform(0.72, 0.9) * h
        hue = rng.uniform(0.5, 0.66) if rng.random() < 0.7 else rng.uniform(0.66, 0.95)
        top, low = draw.hsv(hue, rng.uniform(0.25, 0.7), rng.uniform(0.45, 0.95)), \
            draw.hsv(rng.uniform(0.02, 0.14) if rng.random() < 0.6 else hue, rng.uniform(0.08, 0.5), 0.97)
        p = draw.mix(top, low, np.broadcast_to(np.clip(y / line, 0, 1)**1.4, (h, w)))
        clouds = np.clip((draw.noise(rng, h, w, 2) - rng.uniform(0.42, 0.62)) * rng.uniform(1.5, 3.5), 0, 1)
        self.c.picture[:] = draw.mix(p, np.float32([1, 0.98, 0.97]), clouds * rng.uniform(0.3, 0.95))
        green = draw.hsv(rng.uniform(0.15, 0.45), rng.uniform(0.2, 0.55), rng.uniform(0.25, 0.55))
        for k in range(4):
            wave = line + 10 * k - rng.uniform(4, 18) * np.sin(x[0] / rng.uniform(18, 50) + rng.uniform(0, 6)) \
                - 8 * draw.noise(rng, 1, w, 1.5)[0]
            rough = draw.mix(green, low, 0.6 - 0.18 * k) * (0.85 + 0.3 * draw.noise(rng, h, w, 1.2))[..., None]
            self.c.fill(np.concatenate([np.stack([x[0], wave], 1), [(w, h), (0, h)]]), rough.astype(np.float32))

    def colours(self, n):
        first = draw.pastel(self.rng, (0.5, 1.0), (0.35, 0.95))
        return [first] + [draw.unlike(self.rng, first, 0.15, value=(0.3, 1.0), saturation=(0.1, 0.95)) for _ in range(n - 1)]

    def shaded(self, cx, cy, r):
        """Light from the upper left on something round: a factor for a picture."""
        y, x = draw.grid(self.h, self.w)
        return np.clip(1.15 - 0.45 * np.hypot(x - cx + 0.4 * r, y - cy + 0.45 * r) / r, 0.45, 1.2)[..., None]

    # Each draws one thing of about `size` pixels at (x, y), marked with `ident`.

    def balloon(self, x, y, size, ident):
        r = size * 0.38
        cy = y - size * 0.12
        light = self.shaded(x, cy, r)
        a, b = self.colours(2)
        t = np.linspace(0, 2 * np.pi, 36)
        envelope = lambda k: np.stack([x + k * r * np.sin(t) * (1 - 0.22 * (np.cos(t) < 0) * np.cos(t)**2),
                                       cy - r * np.cos(t) * np.where(np.cos(t) < 0, 1.3, 1.0)], 1)
        base = np.ones((self.h, self.w, 1), np.float32)
        self.c.fill(envelope(1), (base * light * a).astype(np.float32), ident)
        for k, colour in ((0.72, b), (0.4, a), (0.13, b)):
            self.c.fill(envelope(k), (base * light * colour).astype(np.float32), ident)
        w = size * 0.075
        self.c.fill([draw.limb((x + s * r * 0.2, cy + 1.25 * r), (x + s * w, y + 0.42 * size), 0.45, 0.45) for s in (-1, 1)],
                    np.float32([0.25, 0.2, 0.15]), ident)
        self.c.fill(draw.box(x - w, y + 0.41 * size, x + w, y + 0.5 * size), np.float32([0.42, 0.28, 0.15]), ident)

    def kite(self, x, y, size, ident):
        rng = self.rng
        a = rng.uniform(-0.7, 0.7)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        at = lambda u, v: np.array([x, y]) + turn @ np.array([u, v]) * size
        top, right, low, left, mid = at(0, -0.5), at(0.3, -0.15), at(0, 0.28), at(-0.3, -0.15), at(0, -0.15)
        one, two = self.colours(2)
        self.c.fill([np.array([top, right, mid]), np.array([low, left, mid])], one, ident)
        self.c.fill([np.array([top, left, mid]), np.array([low, right, mid])], two, ident)
        tail = np.array([at(0.06 * np.sin(9 * t), 0.28 + 0.22 * t) for t in np.linspace(0, 1, 9)])
        self.c.fill([draw.limb(p, q, 0.7, 0.7) for p, q in zip(tail, tail[1:])], one * 0.6, ident)
        self.c.fill([draw.ellipse(*tail[k], size * 0.045, size * 0.028, 8) for k in (3, 6)], two, ident)

    def bird(self, x, y, size, ident):
        rng = self.rng
        up, bend, tone = rng.uniform(-0.1, 0.3), rng.uniform(0.08, 0.22), draw.hsv(rng.random(), rng.uniform(0, 0.25), rng.uniform(0.05, 0.3))
        s = rng.choice([-1, 1])
        parts = []
        for side in (-1, 1):
            t = np.linspace(0, 1, 8)
            edge = np.stack([x + side * 0.5 * size * t, y - size * (up * t + bend * np.sin(np.pi * t))], 1)
            back = edge + np.stack([0 * t, size * 0.13 * (1 - t)], 1)
            parts.append(np.concatenate([edge, back[::-1]]))
        parts += [draw.ellipse(x + s * 0.03 * size, y + 0.05 * size, 0.15 * size, 0.055 * size, 14),
                  draw.ellipse(x + s * 0.17 * size, y + 0.03 * size, 0.05 * size, 0.045 * size, 10)]
        self.c.fill(parts, tone, ident)

    def airplane(self, x, y, size, ident):
        rng = self.rng
        s, a = rng.choice([-1, 1]), rng.uniform(-0.35, 0.35)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * size
        at = lambda *p: np.array([np.array([x, y]) + turn @ np.array([s * u, v]) for u, v in p])
        hull = draw.hsv(rng.random(), rng.uniform(0, 0.12), rng.uniform(0.8, 1))
        trim = self.colours(1)[0]
        self.c.fill(at((-0.05, -0.02), (-0.18, -0.2), (-0.1, -0.2), (0.12, -0.02)), hull * 0.7, ident)
        body = np.concatenate([at((-0.5, -0.04), (-0.35, -0.06)), at(*[(0.38 + 0.12 * np.sin(t), -0.065 * np.cos(t))
                                                                     for t in np.linspace(0, np.pi, 10)]), at((-0.3, 0.065))])
        self.c.fill(body, hull, ident)
        self.c.fill(at((-0.3, 0.065), (0.38, 0.065), (0.45, 0.02), (-0.45, 0.0)), hull * 0.78, ident)
        self.c.fill(at((-0.5, -0.22), (-0.4, -0.22), (-0.28, -0.05), (-0.48, -0.04)), trim, ident)
        self.c.fill(at((0.1, 0.03), (-0.2, 0.24), (-0.12, 0.24), (0.24, 0.03)), hull * 0.85, ident)
        self.c.fill(at((-0.4, -0.01), (-0.5, 0.06), (-0.45, 0.06), (-0.32, -0.01)), trim * 0.8, ident)
        self.c.fill([draw.ellipse(*at((u, -0.02))[0], 0.012 * size + 0.2, 0.012 * size + 0.2, 8) for u in np.arange(-0.25, 0.36, 0.08)],
                    np.float32([0.2, 0.25, 0.35]), ident)

    def airship(self, x, y, size, ident):
        s = self.rng.choice([-1, 1])
        a, b = self.colours(2)
        light = self.shaded(x, y, size * 0.4)
        base = np.ones((self.h, self.w, 1), np.float32)
        for v in (-1, 1):
            self.c.fill(np.array([(x - s * 0.36 * size, y), (x - s * 0.5 * size, y + v * 0.19 * size),
                                  (x - s * 0.4 * size, y + v * 0.19 * size), (x - s * 0.26 * size, y + v * 0.05 * size)]), b, ident)
        for k, colour in ((1, a), (0.45, b)):
            self.c.fill(draw.ellipse(x, y, 0.5 * size, 0.17 * size * k, 36), (base * light * colour).astype(np.float32), ident)
        self.c.fill(draw.box(x - 0.12 * size, y + 0.155 * size, x + 0.1 * size, y + 0.225 * size), np.float32([0.25, 0.25, 0.3]), ident)


def picture(rng):
    """uint8 (h,w,3) and a list of (class, box (x, y, w, h), area)."""
    sky = Sky(rng)
    sky.ground()
    things, placed = [], []
    for _ in range(rng.integers(2, 8)):
        k = int(rng.integers(len(NAMES)))
        size = np.exp(rng.uniform(*np.log((13, 38) if NAMES[k] == "bird" else (20, 88))))
        x, y = rng.uniform(0.3 * size, sky.w - 0.3 * size), rng.uniform(0.35 * size, sky.h * 0.82 - 0.3 * size)
        if all(np.hypot(x - a, y - b) > 0.42 * (size + c) for a, b, c in placed):
            placed.append((x, y, size))
            things.append((size, k, x, y))
    things.sort()
    for i, (size, k, x, y) in enumerate(things):
        getattr(sky, NAMES[k])(x, y, size, i + 1)
    out = []
    for i, (_, k, _, _) in enumerate(things):
        y, x = np.nonzero(sky.c.labels == i + 1)
        if len(x) > 20:
            out.append((k, (int(x.min()), int(y.min()), int(x.max() - x.min()) + 1, int(y.max() - y.min()) + 1), len(x)))
    return draw.camera(rng, sky.c.picture, 0.012), out
