/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of ten textures. A pattern is a function of the position with values in [-1, 1]; it is drawn between two
 * random colours, lit unevenly, and disturbed by noise, so that a class is not told from colours or single pixels.
 * Amplitudes are such that a small network is right nearly always and not always: a metric at 100 % could not show a
 * loss.
 */
#include "demo/tiny/tiny.h"

#include <math.h>

const char *const tiny_class_names[TINY_CLASSES] = { "rows",     "columns", "rising", "falling",  "rings",
	                                             "checkers", "dots",    "rays",   "gradient", "grain" };

struct pattern {
	double freq, phase, phase2, cx, cy, angle;
};

static double between(struct oqz_rng *r, double lo, double hi) { return lo + (hi - lo) * oqz_rng_f64(r); }

static void choose(struct pattern *p, int class, struct oqz_rng *r)
{
	static const double base[TINY_CLASSES] = { [1] = M_PI / 2, [2] = M_PI / 4, [3] = -M_PI / 4 };
	double jitter = class == 5 ? 0.25 : 0.16;

	p->freq = 2 * M_PI / between(r, 5, 10);
	p->phase = between(r, 0, 2 * M_PI);
	p->phase2 = between(r, 0, 2 * M_PI);
	p->cx = between(r, 14, 34);
	p->cy = between(r, 14, 34);
	p->angle = class == 8 ? between(r, 0, 2 * M_PI) : base[class] + between(r, -jitter, jitter);
}

static double soft(double x) { return x / (0.4 + fabs(x)) * 1.4; }

static double value(const struct pattern *p, int class, double x, double y)
{
	double c = cos(p->angle), s = sin(p->angle);
	double u = c * x + s * y, v = c * y - s * x;
	double dx = x - p->cx, dy = y - p->cy;

	switch (class) {
	case 4: return soft(sin(p->freq * 1.2 * hypot(dx, dy) + p->phase));
	case 5: return soft(sin(p->freq * u * 0.8 + p->phase) * sin(p->freq * v * 0.8 + p->phase2));
	case 6: return fmax(-1, 3.2 * sin(p->freq * u * 0.7 + p->phase) * sin(p->freq * v * 0.7 + p->phase2) - 1.6);
	case 7: return soft(sin(floor(3.5 + p->freq * 2) * atan2(dy, dx) + p->phase));
	case 8: return (u - TINY_SIZE / 2 * (c + s)) / 26;
	case 9: return soft(sin(p->phase + 12.9898 * floor(x / 2) + sin(78.233 * floor(y / 2) + p->phase2) * 437.58));
	default: return soft(sin(p->freq * v + p->phase)); /* stripes along the angle */
	}
}

void tiny_draw(int class, struct oqz_rng *r, unsigned char *rgb)
{
	struct pattern p;
	double from[3], to[3], light[2], contrast = between(r, 0.7, 1), noise = between(r, 6, 20);

	choose(&p, class, r);
	for (int c = 0; c < 3; c++) {
		from[c] = between(r, 40, 215);
		to[c] = from[c] + (oqz_rng_below(r, 2) ? 1 : -1) * contrast * between(r, 90, 140);
	}
	light[0] = between(r, -0.8, 0.8);
	light[1] = between(r, -0.8, 0.8);
	for (int y = 0; y < TINY_SIZE; y++)
		for (int x = 0; x < TINY_SIZE; x++) {
			double t = (value(&p, class, x, y) + 1) / 2, lit = light[0] * (x - 24) + light[1] * (y - 24);
			for (int c = 0; c < 3; c++) {
				double w = from[c] + t * (to[c] - from[c]) + lit + noise * oqz_rng_normal(r);
				*rgb++ = (unsigned char)(w < 0 ? 0 : w > 255 ? 255 : lrint(w));
			}
		}
}
