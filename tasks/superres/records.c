/* SPDX-License-Identifier: Apache-2.0
 *
 * Records and figures. A record holds the sum of squared errors and the SSIM of one image, so both figures are made
 * from records.
 */
#include "superres.h"
#include "tasks/common/bytes.h"

#include <math.h>
#include <stdio.h>

enum { RECORD_VERSION = 1, RECORD_SIZE = 44, FLAG_CROPPED = 1, FLAG_SSIM = 2 };

enum oqz_status superres_record_add(const struct task *t, const struct record *r, void *sink, struct oqz_failure *f)
{
	unsigned char out[RECORD_SIZE];

	out[0] = RECORD_VERSION;
	out[1] = (unsigned char)((r->cropped ? FLAG_CROPPED : 0) | (r->has_ssim ? FLAG_SSIM : 0));
	out[2] = out[3] = 0;
	put_f64(out + 4, r->squared_error);
	put_f64(out + 12, r->ssim);
	put_u64(out + 20, r->values);
	put_u64(out + 28, r->below);
	put_u64(out + 36, r->above);
	return t->task_host->add_record(sink, out, sizeof out, f);
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = common_record(t->host, from, RECORD_SIZE, RECORD_VERSION, f);

	if (!p)
		return OQZ_E_DATA;
	*ret = (struct record) { .squared_error = get_f64(p + 4),
		                 .ssim = get_f64(p + 12),
		                 .values = get_u64(p + 20),
		                 .below = get_u64(p + 28),
		                 .above = get_u64(p + 36),
		                 .cropped = p[1] & FLAG_CROPPED,
		                 .has_ssim = p[1] & FLAG_SSIM };
	if (ret->values == 0 || !(ret->squared_error >= 0) || !isfinite(ret->squared_error) ||
	    !(ret->ssim >= -1 && ret->ssim <= 1 + 1e-9) || (t->ssim && !ret->has_ssim))
		return t->host->fail(f, OQZ_E_DATA, "a record that contradicts itself or has no SSIM");
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- figures */

enum oqz_status superres_figures(const struct task *t, const struct totals *s, void *sink, struct oqz_failure *f)
{
	const struct {
		const char *name;
		double value;
	} all[] = { { "psnr", s->finite ? s->psnr / (double)s->finite : INFINITY },
		    { "ssim", s->ssim / (double)s->scored },
		    { "identical", (double)(s->scored - s->finite) },
		    { "out_of_range", (double)s->out_of_range },
		    { "cropped", (double)s->cropped } };
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; i < sizeof all / sizeof *all && st == OQZ_OK; i++)
		if (t->ssim || strcmp(all[i].name, "ssim") != 0)
			st = t->task_host->set_metric(sink, all[i].name, all[i].value, f);
	return st;
}

void superres_add(struct totals *s, const struct record *r)
{
	double psnr = superres_psnr(r->squared_error / (double)r->values);

	s->scored++;
	if (isfinite(psnr)) {
		s->finite++;
		s->psnr += psnr;
	}
	s->ssim += fmin(r->ssim, 1);
	s->out_of_range += r->below + r->above;
	s->cropped += r->cropped;
}

enum oqz_status superres_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                struct oqz_failure *f)
{
	const struct task *t = self;
	struct totals s = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		enum oqz_status st = record_read(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		superres_add(&s, &r);
	}
	if (!s.scored)
		return t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	return superres_figures(t, &s, metric_sink, f);
}

enum oqz_status superres_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                 struct oqz_failure *f)
{
	const struct task *t = self;
	struct record r;
	enum oqz_status st = record_read(t, record, &r, f);
	int n = 0;

	if (st != OQZ_OK)
		return st;
	n = snprintf(text, size, "%.4f dB", superres_psnr(r.squared_error / (double)r.values));
	if (r.has_ssim && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, ", SSIM %.5f", r.ssim);
	return OQZ_OK;
}
