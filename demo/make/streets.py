# SPDX-License-Identifier: Apache-2.0
"""Segmentation: streets as a camera in a car sees them, with label maps in the codes of Cityscapes (labelIds).

The scene is built in metres (x to the right, y up, z ahead) and projected, far things first. 256 x 128.
"""
import numpy as np

import draw

H, W = 128, 256
ROAD, SIDEWALK, BUILDING, POLE, LIGHT, SIGN, VEGETATION, TERRAIN, SKY, PERSON, CAR, BUS = \
    7, 8, 11, 17, 19, 20, 21, 22, 23, 24, 26, 28
TRAIN_IDS = {ROAD: 0, SIDEWALK: 1, BUILDING: 2, POLE: 5, LIGHT: 6, SIGN: 7, VEGETATION: 8, TERRAIN: 9, SKY: 10, PERSON: 11,
             CAR: 13, BUS: 15}
EYE = 1.5  # metres above the road


class Street:
    def __init__(self, rng):
        self.rng = rng
        self.horizon, self.middle, self.focal = rng.uniform(0.36, 0.48) * H, rng.uniform(0.4, 0.6) * W, W * 0.62
        self.day = rng.uniform(0.75, 1.08)
        self.haze = draw.hsv(rng.uniform(0.53, 0.66), rng.uniform(0.04, 0.25), rng.uniform(0.78, 0.97))
        self.warm = np.float32(1) + rng.uniform(-0.06, 0.1) * np.float32([1, 0.2, -1])
        self.half = rng.uniform(4.2, 6.5)  # of the road
        self.walk = rng.uniform(2.0, 3.5)  # width of a sidewalk
        self.lawn = rng.uniform(1.0, 4.0) if rng.random() < 0.65 else 0.0
        self.c = draw.Canvas(np.empty((H, W, 3), np.float32), np.full((H, W), SKY, np.uint8))
        self.grain = draw.noise(rng, H, W, 1.0)
        self.things = []

    def at(self, x, y, z):
        return np.array((self.middle + self.focal * x / z, self.horizon - self.focal * (y - EYE) / z), np.float32)

    def quad(self, *corners):
        return np.stack([self.at(*p) for p in corners])

    def far(self, colour, z):
        """A colour through so much air."""
        return draw.mix(np.asarray(colour, np.float32), self.haze, 1 - np.exp(-z / 110))

    def fill(self, polygons, colour, label, z, rough=0.0):
        colour = self.far(colour, z)
        if rough:
            colour = colour * (1 + rough * (self.grain[..., None] - 0.5))
        self.c.fill(polygons, colour, label)

    # -------------------------------------------------------------------------------------------- ground and sky

    def sky(self):
        y, _ = draw.grid(H, W)
        top = draw.hsv(self.rng.uniform(0.55, 0.63), self.rng.uniform(0.1, 0.6), self.rng.uniform(0.6, 0.95))
        t = np.clip(y / self.horizon, 0, 1) ** 1.3
        clouds = np.clip((draw.noise(self.rng, H, W, 2) - self.rng.uniform(0.4, 0.7)) * 3, 0, 1) * self.rng.uniform(0, 0.9)
        p = draw.mix(top, self.haze, np.broadcast_to(t, (H, W)))
        self.c.picture[:] = draw.mix(p, np.float32([0.97, 0.97, 0.98]), clouds)

    def strip(self, x0, x1, colour, label, rough):
        near, far = 1.2, 400
        self.fill(self.quad((x0, 0, near), (x1, 0, near), (x1, 0, far), (x0, 0, far)), colour, label, 12, rough)

    def ground(self):
        rng = self.rng
        green = draw.hsv(rng.uniform(0.2, 0.32), rng.uniform(0.35, 0.65), rng.uniform(0.3, 0.55))
        self.strip(-300, 300, green, TERRAIN, 1.3)
        gray = draw.hsv(rng.random(), rng.uniform(0, 0.06), rng.uniform(0.26, 0.46))
        tile = draw.hsv(rng.uniform(0.02, 0.15), rng.uniform(0.03, 0.25), rng.uniform(0.5, 0.72))
        edge = self.half + self.walk
        if not self.lawn:
            for s in (-1, 1):
                self.strip(s * edge, s * 40, tile * 0.93, SIDEWALK, 0.3)
        for s in (-1, 1):
            self.strip(s * self.half, s * edge, tile, SIDEWALK, 0.4)
            self.strip(s * self.half, s * (self.half + 0.2), tile * 0.75, SIDEWALK, 0)
        self.strip(-self.half, self.half, gray, ROAD, 0.5)
        for z in range(3, 60, 6):
            self.fill(self.quad(*((x, 0, zz) for x, zz in ((-0.1, z), (0.1, z), (0.1, z + 3), (-0.1, z + 3)))),
                      (0.85, 0.85, 0.8), ROAD, z)
        if rng.random() < 0.3:
            z = rng.uniform(9, 25)
            bars = np.arange(-self.half + 0.5, self.half - 0.6, 1.1)
            self.fill([self.quad((x, 0, z), (x + 0.55, 0, z), (x + 0.55, 0, z + 3), (x, 0, z + 3)) for x in bars],
                      (0.85, 0.85, 0.82), ROAD, z)

    # -------------------------------------------------------------------------------------------- things

    def add(self, z, paint, *args):
        self.things.append((z, len(self.things), paint, args))

    def facade(self, side, x, z0, z1, height, colour):
        rng, z = self.rng, (z0 + z1) / 2
        face = lambda a, b, lo, hi: self.quad((x, lo, a), (x, lo, b), (x, hi, b), (x, hi, a))
        end = x + side * 12
        self.fill(self.quad((x, 0, z0), (end, 0, z0), (end, height, z0), (x, height, z0)), colour * 0.72, BUILDING, z0, 0.15)
        self.fill(face(z0, z1, 0, height), colour, BUILDING, z, 0.25)
        pane = draw.hsv(rng.uniform(0.5, 0.65), rng.uniform(0.1, 0.45), rng.uniform(0.2, 0.55))
        storey, wide = rng.uniform(2.8, 3.6), rng.uniform(2.2, 3.4)
        panes = [face(a, a + wide * 0.5, b, b + storey * 0.55)
                 for a in np.arange(z0 + 0.7, z1 - wide * 0.6, wide) for b in np.arange(1.0, height - storey * 0.6, storey)]
        if panes:
            self.fill(panes, pane, BUILDING, z)
        self.fill(face(z0, z1, height - 0.35, height), colour * 0.6, BUILDING, z)

    def buildings(self):
        rng = self.rng
        for side in (-1, 1):
            z = rng.uniform(2.5, 9)
            x = side * (self.half + self.walk + self.lawn + 0.2)
            while z < 95:
                length = rng.uniform(8, 20)
                if rng.random() < 0.8:
                    colour = draw.hsv(rng.choice([0.02, 0.06, 0.09, 0.12, 0.6]) + rng.uniform(-0.02, 0.02),
                                      rng.uniform(0.05, 0.5), rng.uniform(0.45, 0.92))
                    self.add(z + length / 2, self.facade, side, x, z, z + length, rng.uniform(5, 17), colour)
                z += length + (rng.uniform(0, 6) if rng.random() < 0.4 else 0)

    def tree(self, x, z, size):
        rng = self.rng
        self.fill(self.quad((x - 0.13 * size / 4, 0, z), (x + 0.13 * size / 4, 0, z), (x + 0.1, size * 0.6, z),
                            (x - 0.1, size * 0.6, z)), (0.32, 0.24, 0.17), VEGETATION, z)
        green = draw.hsv(rng.uniform(0.2, 0.36), rng.uniform(0.35, 0.7), rng.uniform(0.28, 0.5))
        s = self.focal / z
        for k in range(7):
            cx, cy = self.at(x + rng.normal(0, 0.17) * size, size * rng.uniform(0.55, 0.95), z)
            r = size * rng.uniform(0.16, 0.28) * s
            self.fill(draw.ellipse(cx, cy, r, r * rng.uniform(0.75, 1), 16), green * rng.uniform(0.75, 1.2), VEGETATION, z, 1.2)

    def hedge(self, side, z0, z1, height):
        x = side * (self.half + self.walk + 0.3)
        green = draw.hsv(self.rng.uniform(0.22, 0.36), 0.55, self.rng.uniform(0.25, 0.42))
        self.fill(self.quad((x, 0, z0), (x, 0, z1), (x, height, z1), (x, height, z0)), green, VEGETATION, z0, 1.4)
        self.fill(self.quad((x, 0, z0), (x + side, 0, z0), (x + side, height, z0), (x, height, z0)), green * 0.8, VEGETATION,
                  z0, 1.4)

    def box3(self, x, z, wide, low, high, length, colour, label, inset=0.0):
        """The faces of a box that can be seen from the middle: side, top, front. x is its centre."""
        x0, x1, z0, z1 = x - wide / 2, x + wide / 2, z + inset, z + length - inset
        if x0 > 0 or x1 < 0:
            e = x0 if x0 > 0 else x1
            self.fill(self.quad((e, low, z0), (e, low, z1), (e, high, z1), (e, high, z0)), colour * 0.75, label, z)
        if high < EYE:
            self.fill(self.quad((x0, high, z0), (x1, high, z0), (x1, high, z1), (x0, high, z1)), colour * 1.15, label, z)
        self.fill(self.quad((x0, low, z0), (x1, low, z0), (x1, high, z0), (x0, high, z0)), colour, label, z)

    def car(self, x, z, colour, away):
        glass = np.float32([0.16, 0.2, 0.25])
        self.fill(self.quad((x - 1, 0, z - 0.2), (x + 1, 0, z - 0.2), (x + 1, 0, z + 4.4), (x - 1, 0, z + 4.4)),
                  (0.1, 0.1, 0.11), ROAD, z)
        inner = x - np.sign(x) * 0.9 if abs(x) > 0.9 else None
        for a in (-0.72, 0.72):
            self.fill(self.quad((x + a - 0.15, 0, z), (x + a + 0.15, 0, z), (x + a + 0.15, 0.5, z), (x + a - 0.15, 0.5, z)),
                      (0.08, 0.08, 0.08), CAR, z)
        self.box3(x, z, 1.8, 0.28, 0.85, 4.2, colour, CAR)
        if inner is not None:
            for a in (0.8, 3.3):
                t = np.linspace(0, 2 * np.pi, 14)
                self.fill(self.quad(*((inner, 0.33 + 0.33 * np.sin(q), z + a + 0.33 * np.cos(q)) for q in t)),
                          (0.07, 0.07, 0.08), CAR, z)
        self.box3(x, z, 1.55, 0.85, 1.42, 4.2, glass, CAR, 0.7)
        self.fill(self.quad((x - 0.77, 1.36, z + 0.8), (x + 0.77, 1.36, z + 0.8), (x + 0.77, 1.46, z + 3.3),
                            (x - 0.77, 1.46, z + 3.3)), colour * 1.1, CAR, z)
        lamp = (0.8, 0.1, 0.08) if away else (0.97, 0.95, 0.8)
        self.fill([self.quad((x + a, 0.6, z), (x + a + 0.3, 0.6, z), (x + a + 0.3, 0.75, z), (x + a, 0.75, z))
                   for a in (-0.85, 0.55)], lamp, CAR, z)

    def bus(self, x, z, colour):
        self.fill(self.quad((x - 1.4, 0, z - 0.2), (x + 1.4, 0, z - 0.2), (x + 1.4, 0, z + 9), (x - 1.4, 0, z + 9)),
                  (0.1, 0.1, 0.11), ROAD, z)
        self.box3(x, z, 2.5, 0.35, 3.1, 9, colour, BUS)
        self.fill(self.quad((x - 1.1, 1.5, z), (x + 1.1, 1.5, z), (x + 1.1, 2.7, z), (x - 1.1, 2.7, z)), (0.15, 0.2, 0.26), BUS, z)
        if abs(x) > 1.25:
            e = x - np.sign(x) * 1.25
            self.fill([self.quad((e, 1.5, a), (e, 1.5, a + 1.3), (e, 2.6, a + 1.3), (e, 2.6, a))
                       for a in z + np.arange(0.4, 8, 1.6)], (0.16, 0.21, 0.27), BUS, z)
        for a in (-0.95, 0.95):
            self.fill(self.quad((x + a - 0.2, 0, z), (x + a + 0.2, 0, z), (x + a + 0.2, 0.6, z), (x + a - 0.2, 0.6, z)),
                      (0.08, 0.08, 0.08), BUS, z)

    def person(self, x, z, height):
        rng, s = self.rng, self.focal / z
        foot = self.at(x, 0, z)
        p = lambda dx, y: foot + np.float32([dx * height, -y * height]) * s
        step = rng.uniform(0.03, 0.13)
        trousers, shirt = draw.pastel(rng, (0.1, 0.5)), draw.pastel(rng, (0.2, 0.95), (0.1, 0.85))
        skin = draw.hsv(0.07, rng.uniform(0.25, 0.55), rng.uniform(0.4, 0.92))
        w = 0.05 * height * s
        self.fill([draw.limb(p(0.02, 0.5), p(step, 0), w, w * 0.8), draw.limb(p(-0.02, 0.5), p(-step, 0), w, w * 0.8)],
                  trousers, PERSON, z)
        self.fill([draw.limb(p(0, 0.82), p(0, 0.46), w * 2.1, w * 1.6), draw.limb(p(0.08, 0.8), p(0.14, 0.48), w * 0.7, w * 0.6),
                   draw.limb(p(-0.08, 0.8), p(-0.14, 0.48), w * 0.7, w * 0.6)], shirt, PERSON, z)
        self.fill(draw.ellipse(*p(0, 0.91), 0.065 * height * s, 0.085 * height * s, 14), skin, PERSON, z)
        self.fill(draw.ellipse(*p(0, 0.955), 0.065 * height * s, 0.045 * height * s, 12), skin * 0.35, PERSON, z)

    def post(self, x, z, height, what):
        rng = self.rng
        r = max(0.07, 0.8 * z / self.focal)
        self.fill(self.quad((x - r, 0, z), (x + r, 0, z), (x + r, height, z), (x - r, height, z)), (0.36, 0.37, 0.38), POLE, z)
        if what == LIGHT:
            w, lit = 0.28, rng.integers(3)
            self.fill(self.quad((x - w, height - 1.3, z), (x + w, height - 1.3, z), (x + w, height, z), (x - w, height, z)),
                      (0.1, 0.1, 0.1), LIGHT, z)
            for k, colour in enumerate(((0.9, 0.15, 0.1), (0.95, 0.75, 0.1), (0.15, 0.85, 0.35))):
                cx, cy = self.at(x, height - 0.25 - 0.4 * k, z)
                self.fill(draw.ellipse(cx, cy, 0.16 * self.focal / z, 0.16 * self.focal / z, 12),
                          np.float32(colour) * (1 if k == lit else 0.25), LIGHT, z)
        elif what == SIGN:
            cx, cy = self.at(x, height - 0.3, z)
            r, kind = 0.5 * self.focal / z, rng.integers(3)
            rim, inner = [((0.8, 0.1, 0.12), (0.95, 0.95, 0.95)), ((0.1, 0.25, 0.7), (0.15, 0.35, 0.85)),
                          ((0.85, 0.65, 0.05), (0.98, 0.85, 0.2))][kind]
            for k, colour in ((1, rim), (0.7, inner)):
                n = [20, 4, 3][kind]
                self.fill(draw.ellipse(cx, cy, r * k, r * k, n, np.pi / 2 * 3 if n == 3 else np.pi / 4), colour, SIGN, z)

    def populate(self):
        rng, edge = self.rng, self.half + self.walk
        for side in (-1, 1):
            z = rng.uniform(4, 14)
            while z < 70:
                x = side * (edge + rng.uniform(0.1, 0.6 + self.lawn)) if self.lawn else side * (edge - 0.5)
                if rng.random() < 0.7:
                    self.add(z, self.tree, x, z, rng.uniform(3.5, 7.5))
                z += rng.uniform(5, 15)
            if self.lawn and rng.random() < 0.5:
                z = rng.uniform(4, 20)
                self.add(z + 3, self.hedge, side, z, z + rng.uniform(6, 20), rng.uniform(0.8, 1.6))
            for _ in range(rng.integers(1, 4)):
                z = rng.uniform(7, 32)
                what = rng.choice([LIGHT, SIGN, SIGN, POLE])
                self.add(z, self.post, side * (self.half + rng.uniform(0.4, 0.9)), z,
                         rng.uniform(2.5, 3.6) if what != POLE else rng.uniform(4, 7), what)
            for _ in range(rng.integers(0, 4)):
                z = rng.uniform(5, 26)
                self.add(z, self.person, side * (self.half + rng.uniform(0.3, self.walk)), z, rng.uniform(1.5, 1.9))
            z = rng.uniform(4, 12)
            while z < 60 and rng.random() < 0.8:
                if rng.random() < 0.65:
                    self.add(z, self.car, side * (self.half - 1.1), z, draw.pastel(rng, (0.15, 0.95), (0.0, 0.85)), side > 0)
                z += rng.uniform(5.5, 12)
        for x, away in ((self.half * 0.3, True), (-self.half * 0.35, False)):
            z = rng.uniform(8, 50)
            if rng.random() < 0.32:
                self.add(z, self.bus, x, z, draw.pastel(rng, (0.45, 0.95), (0.3, 0.9)))
            elif rng.random() < 0.6:
                self.add(z, self.car, x, z, draw.pastel(rng, (0.15, 0.95), (0.0, 0.85)), away)
        if rng.random() < 0.25:
            z = rng.uniform(8, 20)
            self.add(z, self.person, rng.uniform(-self.half, self.half), z, rng.uniform(1.5, 1.9))

    def render(self):
        self.sky()
        self.ground()
        for k in range(14):
            self.add(90 + k, self.tree, self.rng.uniform(-70, 70), 90, self.rng.uniform(6, 14))
        self.buildings()
        self.populate()
        for z, _, paint, args in sorted(self.things, key=lambda t: (-t[0], t[1])):
            paint(*args)
        return draw.camera(self.rng, self.c.picture * self.day * self.warm, 0.008), self.c.labels


def picture(rng):
    """uint8 (H,W,3) and its labelIds (H,W)."""
    return Street(rng).render()


def train_ids(labels):
    table = np.full(256, 255, np.uint8)
    for code, k in TRAIN_IDS.items():
        table[code] = k
    return table[labels]
