/* SPDX-License-Identifier: Apache-2.0
 *
 * Step letterbox: the four ways in which detectors fit an image into a square. They differ in how sides are rounded,
 * where the image goes and whether small images are enlarged, and a detector's published accuracy belongs to one of
 * them.
 */
#include "core/image/image_steps.h"

#include <math.h>
#include <string.h>

enum { MODE_YOLOV5, MODE_YOLOX, MODE_MMYOLO, MODE_QUANTZOO };
static const char *const letterbox_modes[] = { "yolov5", "yolox", "mmyolo", "quantzoo", NULL };

static const struct oqz_param letterbox_params[] = {
	OQZ_STEP_SIZE_PARAM(NULL, "width:height of the frame, or one number for a square"),
	{ "mode", OQZ_P_STRING, "yolov5", 0, 0, letterbox_modes, NULL,
	  "yolov5: rounded, centred; yolox: cut, top left; mmyolo: keep-ratio resize, then centred; quantzoo: rounded, "
	  "never enlarged, top left" },
	{ "fill", OQZ_P_INT, "114", 0, 255, NULL, NULL, "value around the image" },
	{ "scale_up", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "yolov5: enlarge small images too" },
	{ "stride", OQZ_P_INT, "0", 0, 4096, NULL, "pixels",
	  "yolov5: pad only to a multiple of this (auto); 0 pads to the frame" },
	{ "filter", OQZ_P_STRING, "cv2-linear", 0, 0, oqz_filter_names, NULL,
	  "library and algorithm (mmyolo shrinks with cv2-area)" },
	{ 0 },
};

static enum oqz_status letterbox_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                       struct oqz_err *err)
{
	const char *mode = oqz_params_string(p, "mode");

	OQZ_TRY(oqz_step_size(p, "size", &s->width, &s->height, err));
	while (strcmp(letterbox_modes[s->u.letterbox.mode], mode) != 0)
		s->u.letterbox.mode++;
	s->u.letterbox.fill = (uint8_t)oqz_params_int(p, "fill");
	s->u.letterbox.scale_up = oqz_params_bool(p, "scale_up");
	s->u.letterbox.stride = (int32_t)oqz_params_int(p, "stride");
	s->u.letterbox.filter = oqz_filter_by_name(oqz_params_string(p, "filter"));
	if (s->u.letterbox.mode != MODE_YOLOV5 && (s->u.letterbox.stride || !s->u.letterbox.scale_up))
		OQZ_FAIL(err, OQZ_E_USAGE, "stride and scale_up belong to mode yolov5");
	return OQZ_OK;
}

/* mmyolo: YOLOv5KeepRatioResize (cut to whole pixels), then LetterResize without enlarging. */
static enum oqz_status letterbox_mmyolo(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	const int32_t w0 = st->img.width, h0 = st->img.height, big = w0 > h0 ? w0 : h0, small = w0 > h0 ? h0 : w0;
	double frame_big = s->width > s->height ? s->width : s->height, frame_small = s->width + s->height - frame_big;
	double r = fmin(frame_big / big, frame_small / small);

	if (r != 1) {
		double w = floor(w0 * r), h = floor(h0 * r);
		OQZ_TRY(oqz_step_check(w, h, err));
		OQZ_TRY(oqz_step_resample(st, (int32_t)w, (int32_t)h,
		                          r < 1 ? OQZ_FILTER_CV2_AREA : OQZ_FILTER_CV2_LINEAR, NULL, err));
	}
	int32_t w1 = st->img.width, h1 = st->img.height;
	r = fmin(fmin((double)s->height / h1, (double)s->width / w1), 1.0);
	OQZ_TRY(oqz_step_check(rint(w1 * r), rint(h1 * r), err));
	OQZ_TRY(oqz_step_resample(st, (int32_t)rint(w1 * r), (int32_t)rint(h1 * r), OQZ_FILTER_CV2_LINEAR, NULL, err));
	oqz_step_scale(&st->geometry, (double)st->img.width / w0, (double)st->img.height / h0);
	return oqz_step_place(st, s->width, s->height, (s->width - st->img.width) / 2, (s->height - st->img.height) / 2,
	                      s->u.letterbox.fill, err);
}

static enum oqz_status letterbox_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	const int32_t w0 = st->img.width, h0 = st->img.height;
	const int mode = s->u.letterbox.mode;
	double r = fmin((double)s->height / h0, (double)s->width / w0);

	if (mode == MODE_MMYOLO)
		return letterbox_mmyolo(s, st, err);
	if (mode == MODE_QUANTZOO || !s->u.letterbox.scale_up)
		r = fmin(r, 1.0);
	double w = mode == MODE_YOLOX ? floor(w0 * r) : rint(w0 * r),
	       h = mode == MODE_YOLOX ? floor(h0 * r) : rint(h0 * r);
	OQZ_TRY(oqz_step_check(w, h, err));
	OQZ_TRY(oqz_step_resample(st, (int32_t)w, (int32_t)h, s->u.letterbox.filter, NULL, err));
	oqz_step_scale(&st->geometry, r, r); /* boxes are scaled back by r, not by the rounded sides */
	if (mode != MODE_YOLOV5)
		return oqz_step_place(st, s->width, s->height, 0, 0, s->u.letterbox.fill, err);
	int32_t across = s->width - (int32_t)w, down = s->height - (int32_t)h, stride = s->u.letterbox.stride;
	if (stride) {
		across %= stride;
		down %= stride;
	}
	int32_t left = (int32_t)rint(across / 2.0 - 0.1), right = (int32_t)rint(across / 2.0 + 0.1);
	int32_t top = (int32_t)rint(down / 2.0 - 0.1), bottom = (int32_t)rint(down / 2.0 + 0.1);
	return oqz_step_place(st, (int32_t)w + left + right, (int32_t)h + top + bottom, left, top, s->u.letterbox.fill,
	                      err);
}

static void letterbox_dims(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->u.letterbox.stride && s->u.letterbox.mode == MODE_YOLOV5 ? -1 : s->width;
	d->height = d->width < 0 ? -1 : s->height;
}

const struct oqz_step_def oqz_step_letterbox = { { "letterbox", "resize into a frame, ratio kept, the rest filled",
	                                           "size", letterbox_params },
	                                         true,
	                                         false,
	                                         letterbox_parse,
	                                         letterbox_run,
	                                         letterbox_dims };
