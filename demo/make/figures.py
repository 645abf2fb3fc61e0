# SPDX-License-Identifier: Apache-2.0
"""Pose: people in a park, facing the camera more or less, with COCO's 17 keypoints. 256 x 192.

A person is a skeleton in units of its height, x to the right of the picture and y up from the ground; the figure is drawn
around it. COCO's left is the person's own, here on the right of the picture.
"""
import numpy as np

import draw

H, W = 192, 256
NAMES = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
         "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
         "right_ankle"]
SKELETON = [[16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9], [8, 10], [9, 11],
            [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7]]


def arm(rng, side):
    """Directions of the upper and the lower arm, in radians from hanging down, outwards."""
    how = rng.random()
    if how < 0.3:  # hanging
        a, b = rng.uniform(0.05, 0.4), rng.uniform(-0.3, 0.5)
    elif how < 0.5:  # hand at the hip
        a, b = rng.uniform(0.5, 0.9), -rng.uniform(1.6, 2.1)
    elif how < 0.8:  # up
        a, b = rng.uniform(1.4, 2.6), rng.uniform(-0.4, 1.2)
    else:
        a, b = rng.uniform(0.3, 1.8), rng.uniform(-1.6, 1.6)
    return side * a, side * (a + b)


def leg(rng, side):
    a = rng.uniform(-0.05, 0.5)
    return side * a, side * (a - rng.uniform(0, 0.7) * (a > 0.1))


def skeleton(rng):
    """(17,2) in units of the height, ankles near y = 0.04; the middle of the head; its turn, -1 to 1."""
    j = np.zeros((17, 2))
    turn, lean = rng.uniform(-0.9, 0.9), rng.normal(0, 0.12)
    hips, shoulders = 0.085 * rng.uniform(0.85, 1.1), 0.13 * (1 - 0.25 * abs(turn))
    down = lambda a, n: n * np.array([np.sin(a), -np.cos(a)])
    neck = -down(lean, 0.3)
    tilt = rng.normal(0, 0.1)
    for k, s in ((0, 1), (1, -1)):
        j[11 + k] = s * hips * np.array([1, 0.15 * tilt])
        j[5 + k] = neck + s * shoulders * np.array([np.cos(tilt), np.sin(tilt)])
        a, b = arm(rng, s)
        j[7 + k] = j[5 + k] + down(a + lean, 0.165)
        j[9 + k] = j[7 + k] + down(b + lean, 0.15)
        a, b = leg(rng, s)
        j[13 + k] = j[11 + k] + down(a, 0.24)
        j[15 + k] = j[13 + k] + down(b, 0.235)
    head = neck - down(lean + rng.normal(0, 0.15), 0.125)
    j[0] = head + (0.03 * turn, -0.012)
    for k, s in ((0, 1), (1, -1)):
        j[1 + k] = head + (0.025 * s + 0.026 * turn, 0.012)
        j[3 + k] = head + (0.062 * s * (1 - 0.12 * s * turn), 0.0)
    lift = 0.04 - j[15:, 1].min()
    return j + (0, lift), head + (0, lift), turn


class Park:
    def __init__(self, rng):
        self.rng = rng
        self.c = draw.Canvas(np.empty((H, W, 3), np.float32), np.zeros((H, W), np.uint8))

    def ground(self):
        rng = self.rng
        y, x = draw.grid(H, W)
        line = rng.uniform(0.3, 0.55) * H
        top, low = draw.hsv(rng.uniform(0.52, 0.64), rng.uniform(0.2, 0.6), 0.92), draw.hsv(rng.uniform(0, 0.16), 0.15, 0.97)
        p = draw.mix(top, low, np.broadcast_to(np.clip(y / line, 0, 1), (H, W)))
        clouds = np.clip((draw.noise(rng, H, W, 2) - 0.55) * 3, 0, 1)
        self.c.picture[:] = draw.mix(p, np.float32([1, 1, 1]), 0.8 * clouds)
        green = draw.hsv(rng.uniform(0.19, 0.36), rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.55))
        for k in range(2):  # hills
            wave = line - 8 - rng.uniform(5, 22) * np.sin(x[0] / rng.uniform(25, 60) + rng.uniform(0, 6))
            self.c.fill(np.concatenate([np.stack([x[0], wave], 1), [(W, H), (0, H)]]), draw.mix(green, low, 0.55 - 0.2 * k))
        grass = green * (0.75 + 0.5 * draw.noise(rng, H, W, 1.2))[..., None]
        self.c.fill(draw.box(0, line, W, H), grass.astype(np.float32))
        if rng.random() < 0.6:
            a, b, w = *rng.uniform(0, W, 2), rng.uniform(30, 90)
            self.c.fill(np.array([(a, line), (a + 8, line), (b + w, H), (b - w, H)]), draw.hsv(0.1, 0.25, rng.uniform(0.5, 0.8)))
        for _ in range(rng.integers(1, 6)):
            self.tree(rng.uniform(0, W), line + rng.uniform(0, 14), rng.uniform(30, 75), green)

    def tree(self, x, y, size, green):
        rng = self.rng
        self.c.fill(draw.limb((x, y), (x, y - size * 0.6), size * 0.05, size * 0.035), np.float32([0.33, 0.25, 0.18]))
        for _ in range(8):
            r = size * rng.uniform(0.14, 0.26)
            self.c.fill(draw.ellipse(x + rng.normal(0, 0.17) * size, y - size * rng.uniform(0.5, 1), r, r * 0.85),
                        green * rng.uniform(0.55, 1.1))

    def person(self, x, foot, height, ident):
        """Draws; gives keypoints (17,3) with visibility (0 outside, 1 hidden, 2 seen)."""
        rng = self.rng
        j, head, turn = skeleton(rng)
        at = lambda q: np.array([x, foot]) + np.array([1, -1]) * np.asarray(q) * height
        p = np.stack([at(q) for q in j])
        w = 0.034 * height * rng.uniform(0.85, 1.25)
        fill = lambda polygons, colour: self.c.fill(polygons, colour, ident)
        bone = lambda a, b, ra, rb: [draw.limb(p[a], p[b], ra * w, rb * w), draw.ellipse(*p[a], ra * w, ra * w, 12),
                                     draw.ellipse(*p[b], rb * w, rb * w, 12)]
        skin = draw.hsv(rng.uniform(0.04, 0.09), rng.uniform(0.2, 0.6), rng.uniform(0.35, 0.95))
        shirt, trousers = draw.pastel(rng, (0.2, 0.95), (0.1, 0.85)), draw.pastel(rng, (0.12, 0.75), (0.1, 0.7))
        hair, shoe = draw.hsv(rng.uniform(0.02, 0.12), rng.uniform(0.1, 0.7), rng.uniform(0.08, 0.75)), draw.pastel(rng, (0.05, 0.9))
        self.c.fill(draw.ellipse(x, foot, 0.17 * height, 0.03 * height), np.float32([0, 0, 0]), strength=0.3)
        short = rng.random() < 0.35
        for hip, knee, ankle in ((12, 14, 16), (11, 13, 15)):
            fill(draw.ellipse(p[ankle][0] + (0.02 if hip == 11 else -0.02) * height, p[ankle][1] + 0.02 * height,
                              0.045 * height, 0.02 * height), shoe)
            fill(bone(knee, ankle, 0.95, 0.65), skin if short else trousers)
            fill(bone(hip, knee, 1.4, 1.05), trousers)
        body = np.stack([p[6], p[5], p[11] + (0.6 * w, 0), p[12] - (0.6 * w, 0)])
        fill([body, draw.limb(p[11], p[12], 1.2 * w, 1.2 * w), draw.ellipse(*p[5], 1.1 * w, 1.1 * w, 12),
              draw.ellipse(*p[6], 1.1 * w, 1.1 * w, 12)], shirt)
        if rng.random() < 0.4:  # stripes
            for t in np.linspace(0.15, 0.8, 4):
                a, b = p[6] + t * (p[12] - p[6]), p[5] + t * (p[11] - p[5])
                fill(draw.limb(a, b, 0.012 * height, 0.012 * height), draw.mix(shirt, np.float32([1, 1, 0.9]), 0.6))
        crown = at(head)
        fill(draw.limb((p[5] + p[6]) / 2, crown, 0.85 * w, 0.8 * w), skin * 0.9)
        r = 0.066 * height
        long = rng.random() < 0.4
        fill(draw.ellipse(*(crown - (0, 0.12 * r)), 1.12 * r, 1.25 * r) + ((0, 0.35 * r) if long else (0, -0.1 * r)), hair)
        for k, s in ((3, 1), (4, -1)):
            if s * turn < 0.45:
                fill(draw.ellipse(*p[k], 0.2 * r, 0.28 * r, 10), skin * 0.92)
        fill(draw.ellipse(*(crown + (0.1 * turn * r, 0.12 * r)), 0.9 * r, 1.05 * r), skin)
        fill(draw.ellipse(*(crown + (0.05 * turn * r, -0.72 * r)), 0.8 * r, 0.42 * r), hair)
        for k in (1, 2):
            fill(draw.ellipse(*p[k], 0.16 * r, 0.13 * r, 10), np.float32([0.95, 0.95, 0.95]))
            fill(draw.ellipse(*p[k], 0.1 * r, 0.12 * r, 10), np.float32([0.08, 0.06, 0.05]))
        fill(draw.ellipse(*p[0], 0.12 * r, 0.2 * r, 10), skin * 0.75)
        mouth = p[0] + (-0.05 * turn * r, 0.48 * r)
        fill(draw.ellipse(*mouth, 0.28 * r, 0.08 * r, 10), np.float32([0.6, 0.2, 0.2]))
        for shoulder, elbow, wrist in ((6, 8, 10), (5, 7, 9)):
            fill(bone(elbow, wrist, 0.72, 0.55), skin)
            fill(draw.ellipse(*(p[wrist] + 0.25 * (p[wrist] - p[elbow]) * 0.5), 0.75 * w, 0.75 * w, 12), skin)
            fill(bone(shoulder, elbow, 0.95, 0.75), shirt * 0.9 if rng.random() < 0.8 else skin)
        seen = np.full(17, 2.0)
        for k, s in ((3, 1), (4, -1)):
            seen[k] = 2 if s * turn < 0.45 else 1
        seen[(p < 0).any(1) | (p >= (W, H)).any(1)] = 0
        return np.concatenate([p, seen[:, None]], 1)


def picture(rng):
    """uint8 (H,W,3) and a list of (keypoints (17,3), box (x, y, w, h), area)."""
    park = Park(rng)
    park.ground()
    n = rng.choice([1, 2, 2, 3])
    places = (np.arange(n) + rng.uniform(0.35, 0.65, n)) * W / n
    heights = rng.uniform(85, 165 if n < 3 else 140, n)
    feet = np.minimum(np.maximum(rng.uniform(0.75, 0.98, n) * H, heights * 1.04 + 3), H - 4)
    joints = [None] * n
    for k in np.argsort(feet):
        joints[k] = park.person(places[k], feet[k], heights[k], int(k) + 1)
    people = []
    for k in range(n):
        y, x = np.nonzero(park.c.labels == k + 1)
        q = joints[k].copy()
        for i in range(17):  # hidden by somebody nearer
            if q[i, 2] and park.c.labels[int(q[i, 1]), int(q[i, 0])] not in (0, k + 1):
                q[i, 2] = 1
        q[q[:, 2] == 0] = 0
        people.append((q, (int(x.min()), int(y.min()), int(x.max() - x.min()) + 1, int(y.max() - y.min()) + 1), len(x)))
    return draw.camera(rng, park.c.picture, 0.012), people
