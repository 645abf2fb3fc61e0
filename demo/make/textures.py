# SPDX-License-Identifier: Apache-2.0
"""Super-resolution: surfaces as one meets them outdoors (masonry, pebbles, planks, leaves, tiles, cloth), 192 x 192.

Edges are sharp and lie anywhere, which is what a network can restore and interpolation cannot.
"""
import numpy as np
from PIL import Image

import draw

SIZE, SCALE, OVER = 192, 4, 2
N = SIZE * OVER


def warped(rng, h, w, strength):
    y, x = draw.grid(h, w)
    bend = lambda: strength * OVER * (draw.noise(rng, h, w, 2) - 0.5) * 2
    a = rng.normal(0, 0.12)
    return np.cos(a) * y - np.sin(a) * x + bend(), np.cos(a) * x + np.sin(a) * y + bend()


def cells(rng, count, squeeze=1.0):
    """Voronoi: for each pixel its cell, and the distance between its two nearest centres' bisector and it."""
    pts = (rng.random((count, 2)) * 1.2 - 0.1) * N
    y, x = draw.grid(N, N)
    best, second = np.full((N, N), np.inf, np.float32), np.full((N, N), np.inf, np.float32)
    which = np.zeros((N, N), np.int32)
    for k, (py, px) in enumerate(pts.astype(np.float32)):
        d = np.hypot((y - py) * squeeze, x - px)
        nearer = d < best
        second = np.where(nearer, best, np.minimum(second, d))
        which[nearer] = k
        best = np.where(nearer, d, best)
    return which, (second - best) / OVER, best / OVER


def palette(rng, n, hue, spread=0.03, s=(0.1, 0.5), v=(0.35, 0.9)):
    return np.stack([draw.hsv(hue + rng.normal(0, spread), rng.uniform(*s), rng.uniform(*v)) for _ in range(n)])


def edge(d, width):
    """0 below 0, 1 above `width`, in pixels of the small side."""
    return np.clip(d / width, 0, 1)


def stones(rng):
    squeeze = rng.uniform(0.8, 1.6)
    which, gap, _ = cells(rng, int(rng.integers(14, 45)), squeeze)
    tones = palette(rng, which.max() + 1, rng.choice([0.07, 0.1, 0.6, 0.03]), s=(0.03, 0.3))
    rough = 0.8 + 0.4 * draw.noise(rng, N, N, 1.5)
    round_ = 0.65 + 0.35 * edge(gap - 2, 9)
    p = tones[which] * (rough * round_)[..., None]
    return draw.mix(draw.hsv(0.1, 0.1, rng.uniform(0.1, 0.75)) * rough[..., None], p, edge(gap - 1.2, 1.0))


def pebbles(rng):
    p = np.ones((N, N, 3), np.float32) * draw.hsv(0.08, 0.2, 0.18)
    tones = palette(rng, 12, rng.choice([0.08, 0.58, 0.05]), 0.05, (0.02, 0.3), (0.35, 0.95))
    y, x = draw.grid(N, N)
    light = draw.noise(rng, N, N, 1.5)
    c = draw.Canvas(p, over=1)
    for _ in range(220):
        r, at, turn = rng.uniform(7, 22) * OVER * 0.6, rng.uniform(0, N, 2), rng.uniform(0, np.pi)
        shape = draw.ellipse(*at, r, r * rng.uniform(0.6, 0.95), 28, turn)
        c.fill(shape + (2.5, 3.5), np.float32([0.07, 0.06, 0.05]), strength=0.6)
        lo, hi = np.maximum(np.floor(shape.min(0)).astype(int), 0), np.minimum(np.ceil(shape.max(0)).astype(int), N)
        if (hi <= lo).any():
            continue
        d = np.hypot(x[:, lo[0]:hi[0]] - at[0] + 0.4 * r, y[lo[1]:hi[1]] - at[1] + 0.4 * r) / r
        shade = np.clip(1.15 - 0.4 * d, 0.5, 1.15) * (0.85 + 0.3 * light[lo[1]:hi[1], lo[0]:hi[0]])
        tone = tones[rng.integers(12)]
        im = draw.Masks(hi[1] - lo[1], hi[0] - lo[0], 1).polygon(shape - lo)
        draw.cover(c.picture[lo[1]:hi[1], lo[0]:hi[0]], im, (shade[..., None] * tone).astype(np.float32))
    return c.picture


def courses(rng, high, wide, tones, mortar, gap, half=True):
    """Bricks or tiles in courses."""
    y, x = warped(rng, N, N, rng.uniform(0.5, 3))
    row = np.floor(y / high)
    shift = (row % 2) * wide / 2 if half else 0
    col = np.floor((x + shift) / wide)
    d = np.minimum.reduce([y - row * high, (row + 1) * high - y, x + shift - col * wide, (col + 1) * wide - x - shift]) / OVER
    pick = ((row * 7919 + col * 104729).astype(np.int64) % len(tones))
    rough = 0.8 + 0.4 * draw.noise(rng, N, N, 1.2)
    return draw.mix(mortar * rough[..., None], tones[pick] * rough[..., None], edge(d - gap, 0.8)), d


def bricks(rng):
    high = rng.uniform(13, 24) * OVER
    p, _ = courses(rng, high, high * rng.uniform(1.8, 3), palette(rng, 23, rng.choice([0.02, 0.05, 0.09]), 0.015, (0.35, 0.7),
                   (0.35, 0.8)), draw.hsv(0.1, 0.1, rng.uniform(0.5, 0.85)), rng.uniform(0.8, 1.8))
    return p


def mosaic(rng):
    n = rng.uniform(9, 22) * OVER
    p, _ = courses(rng, n, n, palette(rng, 37, rng.random(), rng.uniform(0.02, 0.2), (0.2, 0.8), (0.3, 1)),
                   draw.hsv(0, 0, rng.uniform(0.1, 0.95)), rng.uniform(0.7, 1.5), half=rng.random() < 0.3)
    return p


def planks(rng):
    wide = rng.uniform(18, 40) * OVER
    y, x = warped(rng, N, N, 1.0)
    k = np.floor(y / wide).astype(int)
    k -= k.min()
    tones = palette(rng, k.max() + 1, 0.08, 0.012, (0.3, 0.65), (0.4, 0.8))
    off = rng.uniform(0, 40, k.max() + 1)[k]
    n = draw.noise(rng, N, N, 2)
    rings = np.sin((y / OVER * 0.55 + off + 16 * n + 0.02 * x / OVER))
    p = tones[k] * (0.85 + 0.13 * draw.soft(rings, 2.5))[..., None]
    d = np.minimum(y - np.floor(y / wide) * wide, (np.floor(y / wide) + 1) * wide - y) / OVER
    p = p * (0.25 + 0.75 * edge(d - 0.5, 1.2))[..., None]
    c = draw.Canvas(p.astype(np.float32), over=1)
    for _ in range(rng.integers(2, 9)):
        at, r = rng.uniform(0, N, 2), rng.uniform(1.5, 4) * OVER
        c.fill(draw.ellipse(*at, r, r), np.float32([0.12, 0.1, 0.1]))
        c.fill(draw.ellipse(*(at - 0.3 * r), 0.4 * r, 0.4 * r), np.float32([0.7, 0.7, 0.7]))
    return c.picture


def leaves(rng):
    p = np.ones((N, N, 3), np.float32) * draw.hsv(0.3, 0.5, 0.1)
    c = draw.Canvas(p, over=1)
    hue = rng.choice([0.27, 0.33, 0.1, 0.03])
    t = np.linspace(0, np.pi, 14)
    for k in range(170):
        n, a = rng.uniform(16, 40) * OVER * 0.6, rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * n
        at = rng.uniform(0, N, 2)
        wide = rng.uniform(0.25, 0.42)
        sides = [np.stack([-np.cos(t), s * wide * np.sin(t) ** 1.2], 1) @ turn.T + at for s in (1, -1)]
        tone = draw.hsv(hue + rng.normal(0, 0.03), rng.uniform(0.45, 0.8), rng.uniform(0.25, 0.85) * (0.5 + 0.5 * k / 170))
        c.fill(np.concatenate([sides[0], sides[1][::-1]]) + (3, 4), np.float32([0, 0.02, 0]), strength=0.5)
        c.fill(sides[0], tone)
        c.fill(sides[1], tone * 0.82)
        ribs = [draw.limb(np.array([u, 0]) @ turn.T + at, np.array([u + 0.25, s * wide * 0.75 * np.sin(np.arccos(-u))]) @ turn.T + at,
                          0.5, 0.5) for u in (-0.5, -0.2, 0.1, 0.4) for s in (1, -1)]
        c.fill([draw.limb(np.array([-1, 0]) @ turn.T + at, np.array([0.95, 0]) @ turn.T + at, 1.1, 0.5)] + ribs,
               np.clip(tone * 1.35, 0, 1))
    return c.picture


def cloth(rng):
    n = rng.uniform(7, 14) * OVER
    y, x = warped(rng, N, N, rng.uniform(2, 6))
    a, b = palette(rng, 1, rng.random(), s=(0.2, 0.8))[0], palette(rng, 1, rng.random(), s=(0.1, 0.8))[0]
    row, col = np.floor(y / n), np.floor(x / n)
    over = (row + col) % 2 == 0
    u, v = (y / n) % 1 - 0.5, (x / n) % 1 - 0.5
    stripe = np.where(((col if rng.random() < 0.5 else row) // 3) % 2 == 0, 1.0, rng.uniform(0.5, 0.8))
    shade = np.where(over, np.cos(2.6 * u), np.cos(2.6 * v)) * stripe
    p = np.where(over[..., None], a, b) * (0.45 + 0.6 * np.clip(shade, 0, 1))[..., None]
    fold = 0.75 + 0.5 * draw.noise(rng, N, N, 2)
    return p * fold[..., None]


KINDS = [stones, pebbles, bricks, mosaic, planks, leaves, cloth]


def picture(rng, kind):
    """uint8 (192,192,3)."""
    p = KINDS[kind % len(KINDS)](rng)
    rgb = draw.camera(rng, p.astype(np.float32), 0.0)
    return np.asarray(Image.fromarray(rgb).reduce(OVER))


def small(rgb):
    """A quarter of it, bicubic with antialiasing as the x4 sets are."""
    return np.asarray(Image.fromarray(rgb).resize((rgb.shape[1] // SCALE, rgb.shape[0] // SCALE), Image.BICUBIC))
