/* SPDX-License-Identifier: Apache-2.0
 *
 * Window geometry. Extents from a file are limited before they are multiplied: every factor stays below 2^31, so int64
 * arithmetic cannot overflow.
 */
#include "core/ops/window.h"
#include "core/ops/ops_util.h"

#include <limits.h>

static enum oqz_status take(const struct oqz_ints *list, int n, int64_t lo, const char *what, int64_t dflt,
                            int64_t *out, struct oqz_err *err)
{
	if (list->v && list->n != (size_t)n)
		OQZ_FAIL(err, OQZ_E_DATA, "%s has %zu numbers, should have %d", what, list->n, n);
	for (int i = 0; i < n; i++) {
		out[i] = list->v ? list->v[i] : dflt;
		if (out[i] < lo || out[i] > INT_MAX)
			OQZ_FAIL(err, OQZ_E_DATA, "%s: %lld is out of range", what, (long long)out[i]);
	}
	return OQZ_OK;
}

static enum oqz_status check_extents(const struct oqz_window *w, struct oqz_err *err)
{
	for (int i = 0; i < w->n; i++)
		if (w->in[i] > INT_MAX)
			OQZ_FAIL(err, OQZ_E_LIMIT, "a spatial extent of %lld is too large", (long long)w->in[i]);
	return OQZ_OK;
}

/* Number of spatial dims: from the first source that knows; input rank must be n + 2. */
static enum oqz_status begin(struct oqz_window *w, const struct oqz_shape *x, int n, struct oqz_err *err)
{
	if (n < 1 || n > OQZ_WINDOW_MAX)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%d spatial dimensions (1 to %d)", n, OQZ_WINDOW_MAX);
	if (x->rank >= 0 && x->rank != n + 2)
		OQZ_FAIL(err, OQZ_E_DATA, "input of rank %d with %d spatial dimensions", (int)x->rank, n);
	*w = (struct oqz_window) { .n = n };
	for (int i = 0; i < n; i++) {
		w->in[i] = x->rank >= 0 ? x->dim[i + 2] : OQZ_DIM_UNKNOWN;
		w->out[i] = OQZ_DIM_UNKNOWN;
	}
	return check_extents(w, err);
}

static enum oqz_status take_pads(const struct oqz_ints *pads, struct oqz_window *w, struct oqz_err *err)
{
	int64_t both[2 * OQZ_WINDOW_MAX];

	OQZ_TRY(take(pads, 2 * w->n, 0, "pads", 0, both, err));
	for (int i = 0; i < w->n; i++) {
		w->pad_begin[i] = both[i];
		w->pad_end[i] = both[w->n + i];
	}
	return OQZ_OK;
}

static bool same_pad(const char *auto_pad) { return strncmp(auto_pad, "SAME_", 5) == 0; }

/* SAME: out = ceil(in / stride), padding shared out, the odd one at the end (UPPER) or the beginning (LOWER). */
static void share_padding(struct oqz_window *w, int i, int64_t total, bool upper)
{
	if (total < 0)
		total = 0;
	w->pad_begin[i] = upper ? total / 2 : total - total / 2;
	w->pad_end[i] = total - w->pad_begin[i];
}

static enum oqz_status sizes(struct oqz_window *w, const char *auto_pad, bool ceil_mode, struct oqz_err *err)
{
	for (int i = 0; i < w->n; i++) {
		int64_t in = w->in[i], s = w->stride[i], extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
		if (in < 0 || w->kernel[i] < 0)
			continue;
		if (same_pad(auto_pad)) {
			w->out[i] = (in + s - 1) / s;
			share_padding(w, i, (w->out[i] - 1) * s + extent - in, strcmp(auto_pad, "SAME_UPPER") == 0);
			continue;
		}
		int64_t room = in + w->pad_begin[i] + w->pad_end[i] - extent;
		if (room < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "a window of extent %lld over a padded input of %lld",
			         (long long)extent, (long long)(room + extent));
		w->out[i] = (ceil_mode ? (room + s - 1) / s : room / s) + 1;
		if (ceil_mode && (w->out[i] - 1) * s >= in + w->pad_begin[i])
			w->out[i]--; /* a window that would start in the end padding is left out */
	}
	return OQZ_OK;
}

static enum oqz_status take_kernel(struct oqz_window *w, const struct oqz_ints *list, const struct oqz_shape *weight,
                                   struct oqz_err *err)
{
	OQZ_TRY(take(list, w->n, 1, "kernel_shape", 1, w->kernel, err));
	for (int i = 0; i < w->n; i++) {
		int64_t k = weight && weight->rank >= 0 ? weight->dim[i + 2] : OQZ_DIM_UNKNOWN;
		if (list->v)
			OQZ_TRY(oqz_need_dim(k, w->kernel[i], "kernel extent of the weight", err));
		else
			w->kernel[i] = k;
		if (w->kernel[i] == 0 || w->kernel[i] > INT_MAX)
			OQZ_FAIL(err, OQZ_E_DATA, "a kernel extent of %lld", (long long)w->kernel[i]);
	}
	return OQZ_OK;
}

static int spatial_rank(const struct oqz_shape *x, const struct oqz_shape *w, const struct oqz_ints *kernel)
{
	return w && w->rank >= 0 ? w->rank - 2 : kernel->v ? (int)kernel->n : x->rank >= 0 ? x->rank - 2 : 0;
}

enum oqz_status oqz_conv_window(const struct oqz_conv_params *p, const struct oqz_shape *x, const struct oqz_shape *w,
                                struct oqz_window *ret, struct oqz_err *err)
{
	struct oqz_window r;

	OQZ_TRY(begin(&r, x, spatial_rank(x, w, &p->kernel_shape), err));
	OQZ_TRY(take_kernel(&r, &p->kernel_shape, w, err));
	OQZ_TRY(take(&p->strides, r.n, 1, "strides", 1, r.stride, err));
	OQZ_TRY(take(&p->dilations, r.n, 1, "dilations", 1, r.dilation, err));
	if (strcmp(p->auto_pad, "NOTSET") == 0)
		OQZ_TRY(take_pads(&p->pads, &r, err));
	OQZ_TRY(sizes(&r, p->auto_pad, false, err));
	*ret = r;
	return OQZ_OK;
}

enum oqz_status oqz_pool_window(const struct oqz_pool_params *p, const struct oqz_shape *x, struct oqz_window *ret,
                                struct oqz_err *err)
{
	struct oqz_window r;

	OQZ_TRY(begin(&r, x, (int)p->kernel_shape.n, err));
	OQZ_TRY(take(&p->kernel_shape, r.n, 1, "kernel_shape", 1, r.kernel, err));
	OQZ_TRY(take(&p->strides, r.n, 1, "strides", 1, r.stride, err));
	OQZ_TRY(take(&p->dilations, r.n, 1, "dilations", 1, r.dilation, err));
	if (strcmp(p->auto_pad, "NOTSET") == 0)
		OQZ_TRY(take_pads(&p->pads, &r, err));
	OQZ_TRY(sizes(&r, p->auto_pad, p->ceil_mode != 0, err));
	*ret = r;
	return OQZ_OK;
}

/* out = stride * (in - 1) + output_padding + extent - pads; with output_shape (or SAME: in * stride) the pads follow.
 */
static enum oqz_status transpose_sizes(struct oqz_window *w, const struct oqz_conv_params *p, const int64_t *extra,
                                       const int64_t *want, struct oqz_err *err)
{
	bool same = same_pad(p->auto_pad);

	for (int i = 0; i < w->n; i++) {
		if (w->in[i] < 0 || w->kernel[i] < 0)
			continue;
		int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
		int64_t full = w->stride[i] * (w->in[i] - 1) + extra[i] + extent;
		if (same || want) {
			w->out[i] = want ? want[i] : w->in[i] * w->stride[i];
			share_padding(w, i, full - w->out[i], strcmp(p->auto_pad, "SAME_UPPER") == 0);
		} else {
			w->out[i] = full - w->pad_begin[i] - w->pad_end[i];
		}
		if (w->out[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "the pads cut more than there is");
	}
	return OQZ_OK;
}

enum oqz_status oqz_conv_transpose_window(const struct oqz_conv_params *p, const struct oqz_shape *x,
                                          const struct oqz_shape *w, struct oqz_window *ret, struct oqz_err *err)
{
	int64_t extra[OQZ_WINDOW_MAX], want[OQZ_WINDOW_MAX + 2];
	struct oqz_window r;

	OQZ_TRY(begin(&r, x, spatial_rank(x, w, &p->kernel_shape), err));
	OQZ_TRY(take_kernel(&r, &p->kernel_shape, w, err));
	OQZ_TRY(take(&p->strides, r.n, 1, "strides", 1, r.stride, err));
	OQZ_TRY(take(&p->dilations, r.n, 1, "dilations", 1, r.dilation, err));
	OQZ_TRY(take(&p->output_padding, r.n, 0, "output_padding", 0, extra, err));
	if (strcmp(p->auto_pad, "NOTSET") == 0)
		OQZ_TRY(take_pads(&p->pads, &r, err));
	/* Some exporters write batch and channels into output_shape as well. */
	int skip = p->output_shape.n == (size_t)r.n + 2 ? 2 : 0;
	OQZ_TRY(take(&p->output_shape, r.n + skip, 0, "output_shape", 0, want, err));
	OQZ_TRY(transpose_sizes(&r, p, extra, p->output_shape.v ? want + skip : NULL, err));
	*ret = r;
	return OQZ_OK;
}

struct oqz_window oqz_window_3d(const struct oqz_window *w)
{
	struct oqz_window r = { .n = OQZ_WINDOW_MAX };
	int lead = OQZ_WINDOW_MAX - w->n;

	for (int i = 0; i < OQZ_WINDOW_MAX; i++) {
		bool real = i >= lead;
		int j = i - lead;
		r.in[i] = real ? w->in[j] : 1;
		r.kernel[i] = real ? w->kernel[j] : 1;
		r.stride[i] = real ? w->stride[j] : 1;
		r.dilation[i] = real ? w->dilation[j] : 1;
		r.pad_begin[i] = real ? w->pad_begin[j] : 0;
		r.pad_end[i] = real ? w->pad_end[j] : 0;
		r.out[i] = real ? w->out[j] : 1;
	}
	return r;
}
