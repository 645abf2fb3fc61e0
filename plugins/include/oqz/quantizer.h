/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz/quantizer.h - a quantization scheme as a plugin.
 *
 * Life of an instance (one model, one parameter set):
 *
 *	open(host, params)
 *	sites(graph)		[then the program runs the calibration images]
 *	plan(site, statistics)	for each site
 *	close()
 *
 * A scheme sees the graph read-only, says which tensor edges (sites) it wants on a grid and how their range is to be
 * found, and turns the statistics of each site into a grid, scales and zero points. It never sees images, labels,
 * metrics, files or the executor. What it returns is data (struct oqz_qspec): printed, hashed, saved, replayed and
 * exported by the program, which also inserts QuantizeLinear/DequantizeLinear nodes accordingly.
 */
#ifndef OQZ_QUANTIZER_H
#define OQZ_QUANTIZER_H

#include <oqz/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------------------------------------- grids and specs */

enum oqz_grid_kind {
	OQZ_GRID_AFFINE = 1, /* integers qmin..qmax, value (code - zero) * scale */
	OQZ_GRID_MINIFLOAT,  /* exponent/mantissa codes times scale */
	OQZ_GRID_CODEBOOK,   /* a sorted list of values times scale */
	OQZ_GRID_CUSTOM,     /* the plugin's own fake_quantize */
};

enum oqz_grid_special { OQZ_GRID_IEEE = 0, OQZ_GRID_FN, OQZ_GRID_FNUZ, OQZ_GRID_FINITE };

/* The set of numbers that a scale of 1 and a zero point of 0 can represent. The program tries every new grid out over
 * all its codes: what is not monotone, idempotent and saturating is refused. */
struct oqz_grid {
	uint32_t kind;                    /* enum oqz_grid_kind */
	uint32_t rounding;                /* 0 half-even, 1 half-up, 2 half-down, 3 half-toward-zero,
	                                   * 4 half-away, 6 up, 7 down (PPQ's numbering).
	                                   * MINIFLOAT: 0 or 3. CODEBOOK: of a tie half-even
	                                   * takes the value with the even index */
	int32_t bits;                     /* AFFINE: width 2..16; MINIFLOAT: 1 + exp_bits + man_bits */
	int32_t qmin, qmax;               /* AFFINE */
	int32_t exp_bits, man_bits, bias; /* MINIFLOAT */
	uint32_t special;                 /* MINIFLOAT: enum oqz_grid_special */
	double max;                       /* MINIFLOAT: largest magnitude, one of its values */
	uint32_t n_values;                /* CODEBOOK */
	const double *values;             /* CODEBOOK: increasing in float32, n_values at least 2;
	                                   * copied by add_site() and when plan() has returned */
};

/* Block scales that depend on the numbers themselves (OCP microscaling). They exist only while a tensor is quantized.
 */
enum oqz_dynamic_scale {
	OQZ_SCALE_STATIC = 0,
	OQZ_SCALE_E8M0, /* scale[0] * 2^(floor(log2(amax / scale[0])) - floor(log2(grid's largest value))), exponent
	                   -127..127 */
	OQZ_SCALE_E4M3, /* scale[0] * (amax / grid's largest value / scale[0] as E4M3FN, at least 2^-9) */
};

/* How one tensor edge is quantized. */
struct oqz_qspec {
	struct oqz_grid grid;
	int32_t axis;   /* -1: one scale for the tensor; else scales run along this axis */
	int64_t block;  /* 0; or: blocks of this many elements along `axis` share a scale */
	size_t n_scale; /* 1; the axis' length; or (elements / axis length) * ceil(axis length / block), row-major */
	const float *scale;  /* > 0, finite: also for a tensor that was all zeros in calibration */
	const int32_t *zero; /* n_scale entries, or NULL for all 0 */
	/* CUSTOM only: y = on-grid(x) for a PLAIN tensor; thread-safe; `ctx` lives until close(). */
	void (*fake_quantize)(void *ctx, const struct oqz_shape *shape, const float *x, float *y);
	void *ctx;
	/* enum oqz_dynamic_scale. Not STATIC: each block of `block` elements along `axis` gets a scale by its largest
	 * magnitude amax; n_scale is 1 and scale[0] a factor for the whole tensor; zero is NULL; AFFINE or MINIFLOAT.
	 */
	uint32_t dynamic;
};

/* -------------------------------------------------------------------------------------------------- the graph,
 * read-only */

struct oqz_graph_view; /* opaque */

enum oqz_input_role { OQZ_INPUT_ACTIVATION = 0, OQZ_INPUT_WEIGHT, OQZ_INPUT_BIAS, OQZ_INPUT_INDEX, OQZ_SITE_OUTPUT };

/* Accessors; node and input are indices, node order is execution order. Strings and views are borrowed from the graph.
 * Where `input` is -1 - k, output k of the node is meant: input_name, input_role (OQZ_SITE_OUTPUT), input_type and
 * selected answer for it; a site on it puts what the node computes on a grid, for all its readers.
 */
struct oqz_graph_api {
	uint32_t struct_size;
	int32_t (*node_count)(const struct oqz_graph_view *g);
	const char *(*node_name)(const struct oqz_graph_view *g, int32_t node);
	const char *(*node_op)(const struct oqz_graph_view *g, int32_t node); /* "Conv" */
	int32_t (*input_count)(const struct oqz_graph_view *g, int32_t node);
	const char *(*input_name)(const struct oqz_graph_view *g, int32_t node, int32_t input); /* NULL: left out */
	enum oqz_input_role (*input_role)(const struct oqz_graph_view *g, int32_t node, int32_t input);
	/* Along which a weight's output channels lie; -1 for an input whose role is another one. */
	int32_t (*channel_axis)(const struct oqz_graph_view *g, int32_t node, int32_t input);
	bool (*input_type)(const struct oqz_graph_view *g, int32_t node, int32_t input, enum oqz_dtype *dtype,
	                   struct oqz_shape *shape); /* false: unknown; unknown dims are -1 */
	bool (*input_constant)(const struct oqz_graph_view *g, int32_t node, int32_t input, struct oqz_view *ret);
	int32_t (*producer)(const struct oqz_graph_view *g, int32_t node,
	                    int32_t input); /* node index, -1: graph input or constant */
	bool (*attr_int)(const struct oqz_graph_view *g, int32_t node, const char *name, int64_t *ret);
	/* True when the site is chosen by the scheme's common parameters (ops, include, exclude, below), which the
	 * program evaluates: every scheme gets the same selection rules for nothing. Only float32 activations and
	 * weights are ever chosen: no bias, index or left-out input; of LayerNormalization the data alone. */
	bool (*selected)(const struct oqz_graph_view *g, int32_t node, int32_t input);
};

/* -------------------------------------------------------------------------------------------------- sites and
 * statistics */

/* A request: "I want input `input` of node `node` on a grid; find its range by this rule". */
struct oqz_site {
	int32_t node, input; /* input: -1 - k for output k */
	/* "minmax", "percentile", ... (`oqz list calibrators`), or "none", when plan() needs no range. */
	const char *calibrator;
	int32_t axis;         /* -1: one range for the tensor; else one per index of this axis (constants only) */
	double q;             /* percentile: the quantile; ema: the weight of a new batch */
	bool batch_scope;     /* percentile: per batch, then averaged (the zoo's rule) */
	struct oqz_grid grid; /* calibrators that search (mse, kl, isotone, floating) need the grid, */
	bool symmetric, pow2; /* and whether the range is symmetric, the scale a power of two. plan() may answer with
	                       * another grid. */
	int32_t bins; /* mse of integers and kl: how many equal bins they count into, a power of two up to 8192; 0: the
	               * rule's own number. Looked at from minor version 3 on. */
};

/* What calibration found. Arrays have n entries: 1, or the length of the axis; n is 0, and all are NULL, for the
 * calibrator "none". Borrowed until plan() returns. */
struct oqz_site_stats {
	uint32_t struct_size;
	size_t n;
	const float *lo, *hi; /* the range by the rule (minmax: the extremes) */
	const float *scale;   /* set when the rule yields scales rather than ranges; else NULL. minmax, percentile, ema
	                       * and, of integers, mse yield ranges; mse of other grids and all other rules scales */
	int64_t count;        /* elements seen */
	/* Since API 1.4. The same range before it became float32: what PPQ's scales are made of, since mse may find one
	 * that ends between two float32 numbers. Of all other rules equal to lo and hi. */
	const double *exact_lo, *exact_hi;
};

/* -------------------------------------------------------------------------------------------------- the plugin */

struct oqz_quantizer_host {
	uint32_t struct_size;
	const struct oqz_host *base;
	const struct oqz_graph_api *graph;
	/* Asks for a site; refused (message recorded) when the edge does not exist or was asked for already. */
	enum oqz_status (*add_site)(void *sink, const struct oqz_site *site, struct oqz_failure *f);
	/* Range -> scale and zero point of an affine grid by the common rule (floor 1e-8, power-of-two step upwards).
	 */
	void (*affine_from_range)(double lo, double hi, const struct oqz_grid *grid, bool symmetric, bool pow2,
	                          float *scale, int32_t *zero);
};

struct oqz_quantizer {
	struct oqz_plugin base;

	/* Required. Makes an instance for one parameter set. */
	enum oqz_status (*open)(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
	                        struct oqz_failure *f);
	/* Required. Frees it; called once for each successful open. */
	void (*close)(void *self);
	/* Required. Calls host->add_site(sink, ...) for each edge to be quantized. */
	enum oqz_status (*sites)(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f);
	/* Required. Fills *ret for one site. Arrays in *ret belong to the instance and are copied by the program on
	 * return. */
	enum oqz_status (*plan)(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
	                        const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f);
};

#ifdef __cplusplus
}
#endif
#endif
