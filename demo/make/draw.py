# SPDX-License-Identifier: Apache-2.0
"""Drawing for all data sets: noise, textures, colours, masks.

Everything takes a numpy Generator and nothing else that is random, so a picture is a function of its seed. Pictures are
float arrays (H,W,3) of 0..1, masks and fields (H,W). What is slow (fractal noise) is made once and cut from.
"""
import colorsys
import functools
import io

import numpy as np
from PIL import Image, ImageDraw

BANK_SIZE = 512


@functools.lru_cache(maxsize=None)
def noise_bank(slope, fields=6):
    """Tileable noise with a spectrum of 1/f^slope: 1 is rough, 2 is clouds. Values of 0..1, deviation 0.2."""
    rng = np.random.default_rng(int(slope * 1000))
    fy, fx = np.fft.fftfreq(BANK_SIZE)[:, None], np.fft.rfftfreq(BANK_SIZE)[None]
    f = np.hypot(fy, fx)
    f[0, 0] = 1
    out = []
    for _ in range(fields):
        phase = np.exp(2j * np.pi * rng.random(f.shape))
        n = np.fft.irfft2(phase * f**-slope * (f < 1), s=(BANK_SIZE, BANK_SIZE))
        out.append(np.clip(0.5 + 0.2 * (n - n.mean()) / n.std(), 0, 1).astype(np.float32))
    return out


def noise(rng, h, w, slope=1.5, zoom=1):
    """A cut of the bank, `zoom` whole times coarser if wanted."""
    bank = noise_bank(slope)
    field = bank[rng.integers(len(bank))]
    hh, ww = -(-h // zoom), -(-w // zoom)
    y, x = rng.integers(BANK_SIZE - hh + 1), rng.integers(BANK_SIZE - ww + 1)
    cut = field[y:y + hh, x:x + ww]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    return cut if zoom == 1 else resize(cut, hh * zoom, ww * zoom)[:h, :w]


def resize(field, h, w, how=Image.BICUBIC):
    return np.asarray(Image.fromarray(np.ascontiguousarray(field, np.float32), "F").resize((w, h), how))


def grid(h, w):
    """Coordinates (y, x) of pixel centres."""
    return np.arange(h, dtype=np.float32)[:, None] + 0.5, np.arange(w, dtype=np.float32)[None] + 0.5


def soft(x, sharp=4):
    """-1..1 from a wave: towards a square wave with soft edges."""
    return np.tanh(sharp * x)


def hsv(h, s, v):
    return np.array(colorsys.hsv_to_rgb(h % 1, min(max(s, 0), 1), min(max(v, 0), 1)), np.float32)


def luma(rgb):
    return float(np.dot(rgb, (0.299, 0.587, 0.114)))


def pastel(rng, value=(0.35, 0.95), saturation=(0.25, 0.8)):
    return hsv(rng.random(), rng.uniform(*saturation), rng.uniform(*value))


def unlike(rng, other, distance=0.3, **how):
    """A colour whose brightness differs from that of `other`."""
    for _ in range(50):
        c = pastel(rng, **how)
        if abs(luma(c) - luma(other)) > distance:
            return c
    return np.float32(1) - other


def mix(a, b, t):
    """a where t is 0, b where it is 1; t a field or a number, a and b colours or pictures."""
    t = np.asarray(t, np.float32)
    return a + t[..., None] * (b - a) if t.ndim else a + t * (b - a)


def pattern(rng, h, w):
    """A field of 0..1: one of several textures at a random place, angle and width."""
    y, x = grid(h, w)
    a, f = rng.uniform(0, np.pi), 2 * np.pi / rng.uniform(5, 16)
    u, v = np.cos(a) * x + np.sin(a) * y, np.cos(a) * y - np.sin(a) * x
    kind = rng.integers(7)
    if kind == 0:
        p = soft(np.sin(f * v + rng.uniform(0, 6)), 2)
    elif kind == 1:
        p = soft(3 * np.sin(f * u) * np.sin(f * v))
    elif kind == 2:
        p = soft(3 * (np.sin(f * u) * np.sin(f * v) - 0.35))
    elif kind == 3:
        p = np.sin(f * np.hypot(x - rng.uniform(0, w), y - rng.uniform(0, h)))
    elif kind == 4:
        p = soft(3 * (noise(rng, h, w, 2) - 0.5), 3)
    elif kind == 5:
        p = 2 * noise(rng, h, w, 1.2) - 1
    else:
        p = np.sin(f * v + 8 * noise(rng, h, w, 2))
    return (0.5 + 0.5 * p).astype(np.float32)


def cover(picture, mask, colour):
    """Lays a colour or picture over `picture` where `mask` is 1, in place."""
    picture += mask[..., None] * (colour - picture)


class Masks:
    """Draws masks with soft edges: `over` times larger, then averaged."""

    def __init__(self, h, w, over=3):
        self.h, self.w, self.over = h, w, over

    def draw(self, paint):
        """paint(draw, scale): draws with 255 on an ImageDraw whose pixels are 1/scale."""
        im = Image.new("L", (self.w * self.over, self.h * self.over))
        paint(ImageDraw.Draw(im), self.over)
        return np.asarray(im.reduce(self.over), np.float32) / 255

    def polygon(self, points):
        pts = [tuple(p) for p in (np.asarray(points, np.float32) * self.over).tolist()]
        return self.draw(lambda d, s: d.polygon(pts, fill=255))


def shift(mask, dy, dx):
    """The mask moved by whole pixels, empty where it came from (for shadows)."""
    out = np.zeros_like(mask)
    h, w = mask.shape
    out[max(dy, 0):h + min(dy, 0), max(dx, 0):w + min(dx, 0)] = \
        mask[max(-dy, 0):h + min(-dy, 0), max(-dx, 0):w + min(-dx, 0)]
    return out


def camera(rng, picture, grain=0.015):
    """What a lens and a sensor add: uneven light, grain. Gives uint8."""
    h, w = picture.shape[:2]
    y, x = grid(h, w)
    a, b = rng.uniform(-0.12, 0.12, 2)
    light = rng.uniform(0.9, 1.1) + a * (y / h - 0.5) + b * (x / w - 0.5)
    p = picture * light[..., None] + grain * rng.standard_normal((h, w, 1), dtype=np.float32)
    return (np.clip(p, 0, 1) * 255 + 0.5).astype(np.uint8)


def jpeg(rgb, quality=90):
    """The bytes of a JPEG."""
    f = io.BytesIO()
    Image.fromarray(rgb).save(f, "JPEG", quality=quality, subsampling=0)
    return f.getvalue()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


class Canvas:
    """A picture and, if wanted, a label map of the same size, on which polygons are laid one over another."""

    def __init__(self, picture, labels=None, over=3):
        self.picture, self.labels, self.over = picture, labels, over
        self.h, self.w = picture.shape[:2]

    def fill(self, polygons, colour, label=None, strength=1.0):
        """polygons: (x, y) points of one, or a list of several, drawn as their union. colour: one, or a picture as
        large as the canvas. Gives the share of the canvas that is covered, and the box (x0, y0, x1, y1) or None."""
        if isinstance(polygons, np.ndarray):
            polygons = [polygons]
        every = np.concatenate(polygons)
        lo = np.clip(np.floor(every.min(0)), 0, (self.w, self.h)).astype(int)
        hi = np.clip(np.ceil(every.max(0)), 0, (self.w, self.h)).astype(int)
        if (hi <= lo).any():
            return None
        (x0, y0), (x1, y1), s = lo, hi, self.over
        im = Image.new("L", ((x1 - x0) * s, (y1 - y0) * s))
        d = ImageDraw.Draw(im)
        for p in polygons:
            d.polygon([tuple(q) for q in ((p - lo) * s - 0.5).tolist()], fill=255)
        mask = np.asarray(im.reduce(s), np.float32) / 255
        cover(self.picture[y0:y1, x0:x1], strength * mask, colour[y0:y1, x0:x1] if colour.ndim == 3 else colour)
        if label is not None:
            self.labels[y0:y1, x0:x1][mask > 0.5] = label
        return mask, (int(x0), int(y0), int(x1), int(y1))


def ellipse(cx, cy, rx, ry, n=24, turn=0.0):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    x, y = rx * np.cos(t), ry * np.sin(t)
    return np.stack([cx + c * x - s * y, cy + s * x + c * y], 1)


def box(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def limb(a, b, ra, rb):
    """A stroke from a to b, ra wide at a and rb at b (radii), without its round ends."""
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    d = b - a
    n = np.array([-d[1], d[0]]) / max(np.hypot(*d), 1e-6)
    return np.array([a + n * ra, b + n * rb, b - n * rb, a - n * ra])
