/* SPDX-License-Identifier: Apache-2.0
 *
 * Task super-resolution: how near is the enlarged image to the large original?
 *
 * A record holds the sum of squared errors and the SSIM of one image, so both figures are made from records.
 * Predictions are rounded to whole levels first (half to even, the product in float32), as the drivers that published
 * figures do; whether they are limited to 0..255 is a parameter, since those drivers differ in it.
 */
#include "superres.h"
#include "tasks/common/bytes.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* -------------------------------------------------------------------------------------------------- records */

enum { RECORD_VERSION = 1, RECORD_SIZE = 44, FLAG_CROPPED = 1, FLAG_SSIM = 2 };

static void record_write(const struct record *r, unsigned char out[RECORD_SIZE])
{
	out[0] = RECORD_VERSION;
	out[1] = (unsigned char)((r->cropped ? FLAG_CROPPED : 0) | (r->has_ssim ? FLAG_SSIM : 0));
	out[2] = out[3] = 0;
	put_f64(out + 4, r->squared_error);
	put_f64(out + 12, r->ssim);
	put_u64(out + 20, r->values);
	put_u64(out + 28, r->below);
	put_u64(out + 36, r->above);
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size != RECORD_SIZE || p[0] != RECORD_VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes, version %d, where %d and %d are known",
		                     from->size, from->size ? p[0] : 0, RECORD_SIZE, RECORD_VERSION);
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

/* -------------------------------------------------------------------------------------------------- the prediction */

static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, struct area *a,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	bool batch = s->rank == 4;

	if (o->view.dtype != OQZ_DT_F32 && o->view.dtype != OQZ_DT_U8)
		return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' has element type %d, images are f32 or u8",
		                     o->name, (int)o->view.dtype);
	if ((s->rank != 3 && !batch) || (batch && s->dim[0] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is no image (1,C,H,W): it has %d dimensions%s",
		                     o->name, s->rank, batch ? ", and not one image" : "");
	*a = (struct area) {
		.view = &o->view, .channels = s->dim[batch], .height = s->dim[batch + 1], .width = s->dim[batch + 2]
	};
	if (a->channels != 1 && a->channels != 3)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' has %" PRId64 " channels, images have 1 or 3",
		                     o->name, a->channels);
	if (a->channels == 1 && t->channel == CHANNEL_RGB)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has one channel: compare luma (channel: y or y-full)", o->name);
	return OQZ_OK;
}

enum oqz_status superres_crop(const struct task *t, struct area *a, struct oqz_failure *f)
{
	a->crop = t->crop < 0 ? a->scale : t->crop;
	a->cmp_w = a->kept_w - 2 * a->crop;
	a->cmp_h = a->kept_h - 2 * a->crop;
	int64_t least = t->ssim ? SSIM_WINDOW : 1;
	if (a->cmp_w < least || a->cmp_h < least)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "%" PRId64 " x %" PRId64 " pixels without a border of %" PRId64
		                     " leave too little%s",
		                     a->kept_w, a->kept_h, a->crop, t->ssim ? " for SSIM (ssim: false)" : "");
	return OQZ_OK;
}

static enum oqz_status place_image(const struct task *t, const struct oqz_geometry *g, struct area *a,
                                   struct oqz_failure *f)
{
	if (g->scale_x != 1 || g->scale_y != 1 || g->offset_x < 0 || g->offset_y < 0)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "the image was resized or cut on its way in, so its pixels have no references");
	a->scale = t->scale ? t->scale : a->width / g->net_width;
	if (a->scale < 1 || a->width != a->scale * g->net_width || a->height != a->scale * g->net_height)
		return t->host->fail(
		    f, OQZ_E_MISMATCH, "the model makes %" PRId64 " x %" PRId64 " of %d x %d, which is not %s",
		    a->width, a->height, g->net_width, g->net_height, t->scale ? "'scale' times" : "a whole multiple");
	a->x0 = (int64_t)g->offset_x * a->scale;
	a->y0 = (int64_t)g->offset_y * a->scale;
	a->kept_w = g->image_width * a->scale;
	a->kept_h = g->image_height * a->scale;
	if (a->x0 + a->kept_w > a->width || a->y0 + a->kept_h > a->height)
		return t->host->fail(f, OQZ_E_MISMATCH, "the model's input does not hold the whole image of %d x %d",
		                     g->image_width, g->image_height);
	return superres_crop(t, a, f);
}

/* The prediction's level at (x, y) of the compared area: rounded, and limited if asked for. */
static double level_at(const struct task *t, const struct area *a, int64_t c, int64_t x, int64_t y, struct record *r)
{
	int64_t at = (c * a->height + a->y0 + a->crop + y) * a->width + a->x0 + a->crop + x;

	if (a->view->dtype == OQZ_DT_U8)
		return ((const uint8_t *)a->view->data)[at];
	const float v = ((const float *)a->view->data)[at] * t->output_scale;
	double level = rintf(v);
	r->below += level < 0;
	r->above += level > 255;
	if (t->clamp)
		level = level < 0 ? 0 : level > 255 ? 255 : level;
	return level;
}

enum oqz_status superres_pixels(const struct task *t, const struct oqz_output *outputs, size_t n_outputs,
                                const struct oqz_geometry *geometry, struct oqz_picture *ret, struct oqz_failure *f)
{
	const struct oqz_output *o = common_output(t->host, t->output, "image", outputs, n_outputs, f);
	struct record ignored = { 0 };
	struct area a;

	if (!o)
		return OQZ_E_MISMATCH;
	enum oqz_status st = open_output(t, o, &a, f);
	if (st == OQZ_OK)
		st = place_image(t, geometry, &a, f);
	if (st != OQZ_OK)
		return st;
	a.crop = 0;
	*ret = (struct oqz_picture) { t->host->alloc((size_t)(a.kept_w * a.kept_h * 3)), (int32_t)a.kept_w,
		                      (int32_t)a.kept_h, 3 };
	if (!ret->data)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	for (int64_t i = 0; i < a.kept_w * a.kept_h; i++)
		for (int c = 0; c < 3; c++) {
			int from = a.channels == 1 ? 0 : t->bgr ? 2 - c : c;
			double level = level_at(t, &a, from, i % a.kept_w, i / a.kept_w, &ignored);
			ret->data[3 * i + c] = (uint8_t)fmin(fmax(level, 0), 255);
		}
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- comparison */

/* One compared plane of both images, in double. */
struct planes {
	double *ref, *pred;
	void *scratch;
};

static double luma(enum superres_channel channel, double r, double g, double b)
{
	return channel == CHANNEL_Y ? superres_y(r, g, b) : superres_y_full(r, g, b);
}

/* Luma of a three-channel prediction is compared as it is, that of a one-channel prediction (whose levels are whole)
 * with the rounded luma of the reference: so do the two families of drivers. */
static void fill_luma(const struct task *t, const struct area *a, const struct oqz_picture *hr, struct planes *p,
                      struct record *r)
{
	for (int64_t y = 0; y < a->cmp_h; y++)
		for (int64_t x = 0; x < a->cmp_w; x++) {
			int64_t at = y * a->cmp_w + x;
			const uint8_t *v = hr->data + 3 * ((y + a->crop) * hr->width + x + a->crop);
			double ref = luma(t->channel, v[0], v[1], v[2]), c[3];
			if (a->channels == 1) {
				p->ref[at] = rint(ref);
				p->pred[at] = level_at(t, a, 0, x, y, r);
				continue;
			}
			for (int i = 0; i < 3; i++)
				c[t->bgr ? 2 - i : i] = level_at(t, a, i, x, y, r);
			p->ref[at] = ref;
			p->pred[at] = luma(t->channel, c[0], c[1], c[2]);
		}
}

static void fill_channel(const struct task *t, const struct area *a, const struct oqz_picture *hr, int64_t c,
                         struct planes *p, struct record *r)
{
	for (int64_t y = 0; y < a->cmp_h; y++)
		for (int64_t x = 0; x < a->cmp_w; x++) {
			int64_t at = y * a->cmp_w + x;
			p->ref[at] = hr->data[3 * ((y + a->crop) * hr->width + x + a->crop) + c];
			p->pred[at] = level_at(t, a, t->bgr ? 2 - c : c, x, y, r);
		}
}

static void compare(const struct task *t, const struct area *a, const struct oqz_picture *hr, struct planes *p,
                    struct record *r)
{
	int64_t n_planes = t->channel == CHANNEL_RGB ? 3 : 1;
	size_t n = (size_t)a->cmp_w * (size_t)a->cmp_h;

	for (int64_t c = 0; c < n_planes; c++) {
		if (t->channel == CHANNEL_RGB)
			fill_channel(t, a, hr, c, p, r);
		else
			fill_luma(t, a, hr, p, r);
		r->squared_error += superres_squared_error(p->ref, p->pred, n);
		if (t->ssim)
			r->ssim += superres_ssim(p->ref, p->pred, a->cmp_w, a->cmp_h, p->scratch) / (double)n_planes;
	}
	r->values = n * (uint64_t)n_planes;
	r->has_ssim = t->ssim;
}

enum oqz_status superres_compare(const struct task *t, const struct area *a, const char *path,
                                 const struct oqz_picture *hr, struct record *r, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	size_t bytes = (size_t)a->cmp_w * (size_t)a->cmp_h * sizeof(double);

	if (hr->width < a->kept_w || hr->height < a->kept_h)
		return h->fail(f, OQZ_E_MISMATCH,
		               "%s: the reference is %d x %d, smaller than the enlarged %" PRId64 " x %" PRId64, path,
		               hr->width, hr->height, a->kept_w, a->kept_h);
	r->cropped = hr->width != a->kept_w || hr->height != a->kept_h;
	struct planes p = { h->alloc(bytes), h->alloc(bytes), h->alloc(superres_ssim_scratch(a->cmp_w)) };
	enum oqz_status st = OQZ_OK;
	if (p.ref && p.pred && p.scratch)
		compare(t, a, hr, &p, r);
	else
		st = h->fail(f, OQZ_E_NOMEM, "out of memory");
	h->free_mem(p.ref);
	h->free_mem(p.pred);
	h->free_mem(p.scratch);
	if (st == OQZ_OK && !isfinite(r->squared_error))
		st = h->fail(f, OQZ_E_DATA, "the model gave values that are not numbers");
	return st;
}

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	unsigned char bytes[RECORD_SIZE];
	struct oqz_picture hr;
	struct record r = { 0 };
	struct area a;

	const struct oqz_output *o = common_output(t->host, t->output, "image", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->hr.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no reference: the reader 'images' is for calibration",
		                     item->id);
	enum oqz_status st = open_output(t, o, &a, f);
	if (st == OQZ_OK)
		st = place_image(t, geometry, &a, f);
	if (st == OQZ_OK)
		st = t->host->load_image(t->hr.v[item->tag], OQZ_PICTURE_RGB, &hr, f);
	if (st != OQZ_OK)
		return st;
	st = superres_compare(t, &a, t->hr.v[item->tag], &hr, &r, f);
	t->host->free_mem(hr.data);
	if (st != OQZ_OK)
		return st;
	record_write(&r, bytes);
	return t->task_host->add_record(record_sink, bytes, sizeof bytes, f);
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

static enum oqz_status task_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
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

static enum oqz_status task_explain(void *self, const struct oqz_record *record, char *text, size_t size,
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

/* -------------------------------------------------------------------------------------------------- life */

static const struct oqz_metric metrics[] = {
	{ "psnr", OQZ_UNIT_DECIBEL, OQZ_TEST_BOOTSTRAP, true, 0, 0, "peak signal-to-noise ratio, mean over images" },
	{ "ssim", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, -1, 1, "structural similarity, mean over images" },
	{ "identical", OQZ_UNIT_COUNT, OQZ_TEST_NONE, true, 0, 1e18,
	  "images without any error (infinite PSNR), left out of psnr" },
	{ "out_of_range", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18,
	  "values that the model gave below 0 or above 255 levels" },
	{ "cropped", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18,
	  "references cut at their right and lower edge to fit the prediction" },
	{ 0 },
};

static const struct oqz_metric *task_instance_metrics(void *self) { return ((struct task *)self)->metrics; }

static void task_release(void *self)
{
	struct task *t = self;

	common_list_release(t->host, &t->hr);
}

static enum oqz_status check_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct task *t = self;
	bool pairs = strcmp(t->host->param_string(t->dataset, "reader"), "pairs") == 0;

	if (pairs && !*t->host->param_string(t->dataset, "hr"))
		return t->host->fail(f, OQZ_E_USAGE, "the reader 'pairs' needs the parameter 'hr'");
	return OQZ_OK;
}

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *channel = h->param_string(params, "channel");
	size_t n = 0;

	t->output = h->param_string(params, "output");
	t->channel = strcmp(channel, "rgb") == 0 ? CHANNEL_RGB : strcmp(channel, "y") == 0 ? CHANNEL_Y : CHANNEL_Y_FULL;
	t->bgr = strcmp(h->param_string(params, "order"), "bgr") == 0;
	t->clamp = h->param_bool(params, "clamp");
	t->ssim = h->param_bool(params, "ssim");
	t->crop = (int32_t)h->param_int(params, "crop");
	t->scale = (int32_t)h->param_int(params, "scale");
	t->output_scale = (float)h->param_float(params, "output_scale");
	for (const struct oqz_metric *m = metrics; m->name; m++)
		if (t->ssim || strcmp(m->name, "ssim") != 0)
			t->metrics[n++] = *m;
	return OQZ_OK;
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = check_dataset,
	.judge = superres_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const channels[] = { "rgb", "y", "y-full", NULL };
static const char *const orders[] = { "rgb", "bgr", NULL };
static const char *const readers[] = { "pairs", "images", NULL };

static const struct oqz_param params[] = {
	{ .name = "channel",
	  .type = OQZ_P_STRING,
	  .dflt = "rgb",
	  .choices = channels,
	  .help =
	      "what is compared: all three channels, luma as MATLAB's rgb2ycbcr has it, or full-range luma (OpenCV)" },
	{ .name = "clamp",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "limit predictions to 0..255 before comparing; some published figures were made without" },
	{ .name = "crop",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = -1,
	  .max = 1000,
	  .unit = "pixels",
	  .help = "leave out that many pixels on every side; -1: as many as the scale" },
	{ .name = "ssim", .type = OQZ_P_BOOL, .dflt = "true", .help = "measure the structural similarity too" },
	{ .name = "scale",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = 0,
	  .max = 64,
	  .help = "how many times larger the model makes the image; 0: what it does" },
	{ .name = "output_scale",
	  .type = OQZ_P_FLOAT,
	  .dflt = "255",
	  .min = 1e-6,
	  .max = 1e6,
	  .help = "float outputs times this are levels of 0..255" },
	{ .name = "order",
	  .type = OQZ_P_STRING,
	  .dflt = "rgb",
	  .choices = orders,
	  .help = "order of the output's channels" },
	{ .name = "output",
	  .type = OQZ_P_STRING,
	  .dflt = "",
	  .help = "the model's output that holds the image; empty: its only one" },
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "reader",
	  .type = OQZ_P_STRING,
	  .dflt = "pairs",
	  .choices = readers,
	  .help = "small images with references, or images alone (calibration only)" },
	{ .name = "lr", .type = OQZ_P_PATH, .help = "folder of the small images" },
	{ .name = "hr", .type = OQZ_P_PATH, .dflt = "", .help = "reader pairs: folder of the references" },
	{ .name = "lr_suffix",
	  .type = OQZ_P_STRING,
	  .dflt = "x4",
	  .help = "end of a small image's name, before the extension; others in the folder are left alone" },
	{ .name = "hr_suffix", .type = OQZ_P_STRING, .dflt = "", .help = "the same for references" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

static const struct oqz_task task = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "superres", .version = "1.0.0",
	          .licence = "Apache-2.0", .summary = "super-resolution: PSNR and SSIM of enlarged images",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = superres_items,
	.score = task_score,
	.finish = task_finish,
	.explain = task_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
	.draw = superres_draw,
	.marks = "where the reference has most texture",
};

OQZ_PLUGIN_EXPORT(task)
