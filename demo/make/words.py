# SPDX-License-Identifier: Apache-2.0
"""Text recognition: words and numbers on textured signs, drawn in the fonts of Debian's fonts-dejavu and fonts-liberation.

32 pixels high, up to 128 wide; letters a to z and digits, with PaddleOCR's label files.
"""
import functools
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import draw

H, W = 32, 128
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
FOLDER = pathlib.Path("/usr/share/fonts/truetype")
FONTS = ["dejavu/DejaVuSans", "dejavu/DejaVuSans-Bold", "dejavu/DejaVuSans-Oblique", "dejavu/DejaVuSansCondensed",
         "dejavu/DejaVuSansCondensed-Bold", "dejavu/DejaVuSerif", "dejavu/DejaVuSerif-Bold", "dejavu/DejaVuSerif-Italic",
         "dejavu/DejaVuSerifCondensed", "dejavu/DejaVuSansMono", "dejavu/DejaVuSansMono-Bold",
         "liberation/LiberationSans-Regular", "liberation/LiberationSans-Bold", "liberation/LiberationSans-Italic",
         "liberation/LiberationSerif-Regular", "liberation/LiberationSerif-Bold", "liberation/LiberationSerif-BoldItalic",
         "liberation/LiberationMono-Bold", "liberation/LiberationSansNarrow-Bold"]
WORDS = """acorn airport alley amber anchor apple arcade arrow autumn bakery bamboo barley basket beacon berry bicycle birch
blossom bluebird bottle bridge brook butter cabin camera candle canyon castle cedar chapel cherry chimney cinema circle
clover coast coffee comet copper coral cottage cotton creek cricket crystal daisy dawn desert dolphin dragon drum eagle
east echo elm ember engine evening exit falcon farm feather fern ferry field fire fish flute forest fossil fountain fox
galaxy garden garlic gate ginger glacier gold grape gravel green guitar hammer harbor harvest hazel heron hill honey
horizon hotel house ice indigo island ivory jacket jasmine jungle juniper kayak kettle kiosk kitchen kite ladder lagoon
lake lamp lantern lemon library light lily lion lobby lotus lunch magnet mango maple marble market meadow melon mill
mint mirror moon mosaic moss motel museum music nectar north oak oasis ocean olive onion opera orange orchid otter owl
paper park parrot peach pearl pebble pepper piano pine planet plaza plum pocket pond poppy prairie puzzle quarry quartz
quiet rabbit radio rain ranch raven reef ribbon rice river robin rocket rose sail salmon sand saturn school season
shadow shell silver sky snow sparrow spring square station stone storm street sugar summer sun swan temple theater
thunder tiger toast topaz tower trail train tulip turtle valley vanilla velvet village violet walnut water west wheat
willow window winter wolf wood yellow zebra zero zoo""".split()


@functools.lru_cache(maxsize=None)
def font(name, size):
    return ImageFont.truetype(str(FOLDER / (name + ".ttf")), size)


def text_of(rng, known):
    """A word, a number, or (for training only) any letters."""
    r = rng.random()
    if r < (0.75 if known else 0.35):
        return WORDS[rng.integers(len(WORDS))]
    if r < (1.0 if known else 0.45):
        return "".join(rng.choice(list(ALPHABET[:10]), rng.integers(2, 7)))
    return "".join(rng.choice(list(ALPHABET), rng.integers(2, 9)))


def picture(rng, text, hard=False):
    """uint8 (32, w, 3): three times larger, turned and sheared, then averaged. hard: for training, with more of all that
    makes reading difficult."""
    s, size = 3, int(rng.integers(17 if hard else 19, 25)) * 3
    f = font(FONTS[rng.integers(len(FONTS))], size)
    room = W * s - 24
    if f.getlength(text) > room:
        f = font(f.path.split("truetype/")[1][:-4], max(int(size * room / f.getlength(text)), 24))
    wide = f.getlength(text)
    w = int(np.clip(np.ceil(wide / s) + rng.integers(5, 14), 24, W))
    im = Image.new("L", (w * s, H * s))
    x = (w * s - wide) / 2 + rng.uniform(-4, 4)
    y = H * s / 2 + rng.uniform(-7, 7)
    ImageDraw.Draw(im).text((x, y + 0.3 * f.size), text, fill=255, font=f, anchor="ls")
    a, b = np.tan(np.radians(rng.normal(0, 2) * min(1, 60 / w))), rng.normal(0, 0.07)
    im = im.transform(im.size, Image.AFFINE, (1, b, -b * H * s / 2, a, 1, -a * w * s / 2), Image.BILINEAR).reduce(s)
    blur = rng.uniform(0.3, 1.0 if hard else 0.6) if rng.random() < (0.45 if hard else 0.3) else 0
    mask = np.asarray(im.filter(ImageFilter.GaussianBlur(blur)) if blur else im, np.float32) / 255
    ground = draw.pastel(rng, (0.1, 0.98), (0.05, 0.8))
    p = draw.mix(ground, draw.mix(ground, draw.pastel(rng), rng.uniform(0.05, 0.45)), draw.pattern(rng, H, w))
    ink = draw.unlike(rng, ground, rng.uniform(0.22 if hard else 0.36, 0.5), value=(0.05, 1.0), saturation=(0.0, 0.9))
    if rng.random() < 0.3:
        draw.cover(p, 0.6 * draw.shift(mask, 1, 1), np.float32([0, 0, 0]) if draw.luma(ink) > 0.5 else np.float32([1, 1, 1]))
    draw.cover(p, mask, ink)
    return draw.camera(rng, p, rng.uniform(0.01, 0.06 if hard else 0.035))


def padded(rgb):
    """What the manifest's `prepare` makes of it, before numbers: the right side is filled with what becomes 0."""
    out = np.full((H, W, 3), 127.5, np.float32)
    out[:, :rgb.shape[1]] = rgb[:, :, ::-1]
    return out
