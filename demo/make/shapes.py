# SPDX-License-Identifier: Apache-2.0
"""Classification: ten textured shapes before textured grounds, as ImageNet's folders.

The class is the outline alone; colours, textures, place, angle, size, a bar across it and small blobs beside it are
not. 96 x 96 JPEG; networks see 64 x 64 from the middle of 72 x 72.
"""
import numpy as np
from PIL import Image

import draw

CLASSES = ["arrow", "crescent", "cross", "disc", "gear", "heart", "ring", "square", "star", "triangle"]
SIZE, RESIZED, CROP = 96, 72, 64


def circle(n=48, radius=1.0, start=0.0, end=2 * np.pi):
    t = np.linspace(start, end, n)
    return np.stack([radius * np.cos(t), radius * np.sin(t)], 1)


def outline(name, rng):
    """Points of the outline around (0, 0), within a radius of about 1; and those of a hole, or None."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    if name == "disc":
        return circle(), None
    if name == "ring":
        return circle(), circle(radius=rng.uniform(0.45, 0.6))
    if name == "square":
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.8, None
    if name == "triangle":
        return np.array([(np.cos(a), np.sin(a)) for a in (-np.pi / 2, np.pi / 6, 5 * np.pi / 6)]), None
    if name == "star":
        inner = rng.uniform(0.38, 0.5)
        return np.array([((1 if i % 2 == 0 else inner) * np.array([np.sin(i * np.pi / 5), -np.cos(i * np.pi / 5)]))
                         for i in range(10)]), None
    if name == "cross":
        a = rng.uniform(0.24, 0.36)
        return np.array([(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a), (-1, a),
                         (-1, -a), (-a, -a)]), None
    if name == "heart":
        return np.stack([16 * np.sin(t)**3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))],
                        1) / 16, None
    if name == "crescent":
        inner = circle(40, 0.85, np.pi * 1.62, np.pi * 0.38) + (0.42, 0)
        return np.concatenate([circle(48, 1, np.pi * 0.3, np.pi * 1.7), inner]), None
    if name == "arrow":
        a, b = rng.uniform(0.22, 0.32), rng.uniform(-0.05, 0.15)
        return np.array([(-1, -a), (b, -a), (b, -0.75), (1, 0), (b, 0.75), (b, a), (-1, a)]), None
    teeth = rng.integers(7, 10)
    r = 0.82 + 0.18 * draw.soft(np.sin(teeth * t), 5)
    return np.stack([r * np.cos(t), r * np.sin(t)], 1), circle(radius=0.28)


def place(points, rng, centre, size):
    """Turned, squeezed, sheared and moved."""
    a, b = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    bend = np.array([[1, b], [0, rng.uniform(0.78, 1.0)]])
    m = size * (bend @ turn)
    return lambda p: p @ m.T + centre


def picture(rng, label):
    """One picture, uint8 (SIZE,SIZE,3)."""
    masks = draw.Masks(SIZE, SIZE)
    ground, other = draw.pastel(rng), None
    other = draw.mix(ground, draw.pastel(rng), rng.uniform(0.15, 0.6))
    p = draw.mix(ground, other, draw.pattern(rng, SIZE, SIZE))
    size = rng.uniform(19, 35)
    margin = size * 0.95 + 12
    centre = rng.uniform(min(margin, 48), max(SIZE - margin, 48), 2)
    points, hole = outline(CLASSES[label], rng)
    move = place(points, rng, centre, size)
    mask = masks.polygon(move(points))
    if hole is not None:
        mask = mask - masks.polygon(move(hole))
    colour = draw.unlike(rng, ground, rng.uniform(0.12, 0.4))
    skin = draw.mix(colour, draw.mix(colour, draw.pastel(rng), rng.uniform(0.1, 0.6)), draw.pattern(rng, SIZE, SIZE))
    shade = draw.shift(mask, *rng.integers(1, 5, 2))
    p *= (1 - rng.uniform(0.1, 0.45) * shade)[..., None]
    draw.cover(p, mask, skin)
    for _ in range(rng.integers(0, 5)):
        spot, r = rng.uniform(8, SIZE - 8, 2), rng.uniform(2, 6)
        draw.cover(p, masks.polygon(circle(16, r) + spot), draw.pastel(rng))
    if rng.random() < 0.3:
        q, a, w = centre + rng.uniform(-20, 20, 2), rng.uniform(0, np.pi), rng.uniform(1, 4)
        d, n = np.array([np.cos(a), np.sin(a)]) * 90, np.array([-np.sin(a), np.cos(a)]) * w
        draw.cover(p, masks.polygon([q - d - n, q + d - n, q + d + n, q - d + n]), draw.pastel(rng))
    return draw.camera(rng, p, rng.uniform(0.01, 0.035))


def seen(rgb):
    """What the manifest's `prepare` resizes to, before the crop."""
    return np.asarray(Image.fromarray(rgb).resize((RESIZED, RESIZED), Image.BILINEAR))
