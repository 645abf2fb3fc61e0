/* SPDX-License-Identifier: Apache-2.0
 *
 * Improvement passes: what is done to weights and biases so that quantization costs less (`improve` of a scheme).
 * Quantizers never see them. A pass works either on the float graph before the scheme's calibration (it then must
 * compute the same function) or on the scheme's finished plan; in both cases all that it leaves is data in the plan:
 * replaced constants, and gains of values that it rescaled. Plans therefore stay what is printed, hashed, saved,
 * replayed and exported.
 *
 * Passes know the graph and numbers; images, threads and the executor are behind struct oqz_improve_data.
 */
#ifndef OQZ_QUANT_IMPROVE_H
#define OQZ_QUANT_IMPROVE_H

#include "core/base/params.h"
#include "core/quant/qplan.h"

/* Called in image order, on one thread: the tapped values (PLAIN) of image number `image`, in the order of the taps. */
typedef enum oqz_status oqz_improve_fn(void *ctx, size_t image, const struct oqz_tensor *const *taps,
                                       struct oqz_err *err);

struct oqz_improve_data {
	void *ctx;
	size_t n_images; /* calibration images there are */
	/* Runs the first `n` of them through a graph, as far as the taps need. */
	enum oqz_status (*run)(void *ctx, const struct oqz_graph *g, const char *const *taps, size_t n_taps, size_t n,
	                       oqz_improve_fn *each, void *each_ctx, struct oqz_err *err);
};

struct oqz_improve {
	const char *name;
	const char *summary; /* one line */
	const char *source;  /* the publication, and the rule where there are several */
	const struct oqz_param *params;
	/* Before calibration: edits constants of `g`, which is the scheme's own, and records them and gains in `p`. */
	enum oqz_status (*on_graph)(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *params,
	                            const struct oqz_improve_data *data, struct oqz_err *err);
	/* Or after it: `g` is the float graph (with what on_graph passes made of it), `p` its plan, to be extended. */
	enum oqz_status (*on_plan)(const struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *params,
	                           const struct oqz_improve_data *data, struct oqz_err *err);
};

/* In the order in which they run, whatever the manifest's order; ends with NULL. */
extern const struct oqz_improve *const oqz_improves[];
const struct oqz_improve *oqz_improve_find(const char *name);

extern const struct oqz_improve oqz_improve_equalize;
extern const struct oqz_improve oqz_improve_migrate;
extern const struct oqz_improve oqz_improve_adaround;
extern const struct oqz_improve oqz_improve_bias;

/* ---- for the passes ---- */

/* Replaces a constant input in the graph and in the plan. */
enum oqz_status oqz_improve_set(struct oqz_graph *g, struct oqz_qplan *p, struct oqz_node *n, int input,
                                const struct oqz_tensor *value, struct oqz_err *err);
/* The row of a parameter `images`; `what` ends "calibration images that ...". */
#define OQZ_IMPROVE_IMAGES(count, what)                                                         \
	{                                                                                       \
		.name = "images", .type = OQZ_P_INT, .dflt = (count), .min = 1, .max = 1000000, \
		.help = "calibration images that " what ", at most"                             \
	}
/* How many calibration images a pass looks at: its parameter `images`, or all there are. */
size_t oqz_improve_images(const struct oqz_params *given, const struct oqz_improve_data *data);
/* The plan's site of an input; NULL if there is none. */
const struct oqz_qplan_site *oqz_improve_site(const struct oqz_qplan *p, const char *node, int input);
/* Axis of the channels in a value of this rank that a layer makes or reads: 1 of convolutions, of others the last. */
int oqz_channel_axis(const struct oqz_node *layer, int rank);
/* Where the channels of a computed value of a layer lie: element k is of channel k / *ret_inner % channels. Fails where
 * the value is not float32 or has no axis of so many. */
enum oqz_status oqz_channel_inner(const struct oqz_node *layer, const struct oqz_tensor *value, int64_t channels,
                                  int64_t *ret_inner, struct oqz_err *err);
/* A layer's bias when it is a float32 constant with one number per output channel, else NULL. */
const struct oqz_tensor *oqz_channel_bias(const struct oqz_node *layer, int64_t channels);
/* Where output and input channels lie in the weights of Conv, ConvTranspose, Gemm and MatMul: element (o, i, k) of
 * `groups` groups. False for other nodes, for weights that are not constant float32, and for unusual forms. */
struct oqz_weight_form {
	const float *w;
	int64_t out, in; /* channels of the whole layer */
	int64_t groups;
	int64_t inner;                               /* elements per pair of channels (the kernel's extent) */
	int64_t out_stride, in_stride, group_stride; /* strides of a channel within its group; of a group */
};
bool oqz_weight_form(const struct oqz_node *n, struct oqz_weight_form *ret);
/* Index of the first of `inner` consecutive elements that join output channel o to the i-th input of its group. */
static inline size_t oqz_weight_at(const struct oqz_weight_form *f, int64_t o, int64_t i)
{
	int64_t per = f->out / f->groups, g = o / per;

	return (size_t)(g * f->group_stride + (o % per) * f->out_stride + i * f->in_stride);
}

#endif
