/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-layer equalization: Nagel, van Baalen, Blankevoort, Welling, "Data-Free Quantization Through Weight
 * Equalization and Bias Correction" (ICCV 2019), section 4.1, with the rule of PPQ's LayerwiseEqualizationPass.
 * Channels of different magnitude share one scale per tensor; multiplying an output channel of one layer by k and
 * dividing the input channel of the next by it evens them out and changes nothing else.
 *
 *   up, down = largest |w| of the channel in the makers' and in the readers' weights
 *   k = sqrt(down / up), in [0.1, 10]; 1 where up + down < threshold
 *
 * for every group of layers in turn, `iterations` times over.
 */
#include "core/quant/improve_groups.h"

#include <math.h>
#include <stdlib.h>

static const char *const spans[] = { "activation", "add", NULL };
static const char *const clips[] = { "scale", "keep", "relu", NULL };

static const struct oqz_param params[] = {
	{ .name = "iterations",
	  .type = OQZ_P_INT,
	  .dflt = "10",
	  .min = 1,
	  .max = 1000,
	  .help = "how often all groups are gone through" },
	{ .name = "threshold",
	  .type = OQZ_P_FLOAT,
	  .dflt = "0.5",
	  .min = 0,
	  .max = 1e6,
	  .help = "channels whose two largest weights add up to less are left alone" },
	{ .name = "through",
	  .type = OQZ_P_STRING,
	  .dflt = "add",
	  .choices = spans,
	  .help = "what may lie between the layers: activations and poolings, or additions too" },
	{ .name = "relu6",
	  .type = OQZ_P_STRING,
	  .dflt = "scale",
	  .choices = clips,
	  .help =
	      "a Clip from 0 to a limit gets a limit per channel (scale), ends a group (keep), or becomes Relu as in "
	      "the publication (relu), which changes the float function where the limit is reached" },
	{ 0 },
};

/* What a channel without weights in its makers carries: its bias, the largest of them. */
static void channel_constants(const struct oqz_channel_group *c, float *ret)
{
	for (size_t k = 0; k < c->makers.n; k++) {
		const struct oqz_node *n = c->makers.v[k];
		const struct oqz_tensor *b = oqz_node_constant(n, 2);
		for (int64_t i = 0; b && i < c->channels; i++) {
			float x = ((const float *)b->data)[i];
			x = c->rectified && x < 0 ? 0 : fabsf(x);
			ret[i] = x > ret[i] ? x : ret[i];
		}
	}
}

/* Channels that training has left without weights (up = 0) have none to balance, and what reads them may hold anything:
 * of the publication's MobileNetV2, kernels thirty times the others', which alone decide on the scale. What such a
 * channel carries is constant, so it is brought to the level of the others, as far as the constant then stays among
 * theirs. */
static enum oqz_status settle_constants(const struct oqz_channel_group *c, const float *up, const float *down, float *k,
                                        struct oqz_err *err)
{
	size_t n = (size_t)c->channels, live = 0;
	OQZ_CLEANUP_FREE float *carried = calloc(n + 1, sizeof *carried);
	double level = 0, top = 0;

	if (!carried)
		return oqz_err_nomem(err, "a group of layers", n);
	channel_constants(c, carried);
	for (size_t i = 0; i < n; i++) {
		if (!(up[i] > 0 && down[i] > 0))
			continue;
		live++;
		level += log((double)down[i] / (double)k[i]);
		top = fmax(top, (double)(carried[i] * k[i]));
	}
	level = live ? exp(level / (double)live) : 0;
	for (size_t i = 0; live && i < n; i++)
		if (up[i] == 0 && (double)down[i] > level) {
			double most = carried[i] > 0 ? fmax(top / (double)carried[i], 1) : HUGE_VAL;
			k[i] = (float)fmin((double)down[i] / level, most);
		}
	return OQZ_OK;
}

static enum oqz_status equalize_group(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_channel_group *c,
                                      double threshold, struct oqz_err *err)
{
	size_t n = (size_t)c->channels;
	OQZ_CLEANUP_FREE float *up = calloc(3 * n + 1, sizeof *up);
	bool any = false;

	if (!up)
		return oqz_err_nomem(err, "a group of layers", n);
	float *down = up + n, *k = up + 2 * n;
	oqz_channel_peaks(c->makers.v, c->makers.n, true, up);
	oqz_channel_peaks(c->readers.v, c->readers.n, false, down);
	for (size_t i = 0; i < n; i++) {
		bool wanted = up[i] > 0 && down[i] > 0 && (double)up[i] + (double)down[i] >= threshold;
		k[i] = wanted ? (float)fmin(fmax(sqrt((double)down[i] / (double)up[i]), 0.1), 10) : 1;
	}
	OQZ_TRY(settle_constants(c, up, down, k, err));
	for (size_t i = 0; i < n; i++)
		any |= k[i] != 1;
	return any || (c->open && c->clips.n) ? oqz_channel_group_rescale(g, p, c, k, err) : OQZ_OK;
}

static enum oqz_status run(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *given,
                           const struct oqz_improve_data *data, struct oqz_err *err)
{
	const char *relu6 = oqz_params_string(given, "relu6");
	unsigned through = (oqz_params_string(given, "through")[1] == 'd' ? OQZ_GROUP_ADD : 0) |
	                   (relu6[0] == 's' ? OQZ_GROUP_LIMIT : 0) | (relu6[0] == 'r' ? OQZ_GROUP_OPEN : 0);
	OQZ_CLEANUP_FREE struct oqz_node **done = calloc(g->nodes.n + 1, sizeof *done);

	(void)data;
	if (!done)
		return oqz_err_nomem(err, "nodes", g->nodes.n);
	for (int64_t round = 0; round < oqz_params_int(given, "iterations"); round++) {
		size_t n_done = 0;
		for (size_t i = 0; i < g->nodes.n; i++) {
			struct oqz_weight_form f;
			struct oqz_channel_group c = { 0 };
			bool found = false;
			for (size_t k = 0; k < n_done; k++)
				found |= done[k] == g->nodes.v[i];
			if (found || !oqz_weight_form(g->nodes.v[i], &f))
				continue;
			enum oqz_status st = oqz_channel_group_find(g, g->nodes.v[i], through, &c, &found, err);
			if (st == OQZ_OK && found)
				st = equalize_group(g, p, &c, oqz_params_float(given, "threshold"), err);
			for (size_t k = 0; k < c.makers.n && n_done < g->nodes.n; k++)
				done[n_done++] = c.makers.v[k];
			oqz_channel_group_release(&c);
			OQZ_TRY(st);
		}
	}
	return OQZ_OK;
}

const struct oqz_improve oqz_improve_equalize = {
	.name = "equalize",
	.summary = "cross-layer equalization: channels of consecutive layers brought to one magnitude",
	.source = "Nagel et al. 2019 (ICCV), section 4.1; the rule is PPQ's LayerwiseEqualizationPass",
	.params = params,
	.on_graph = run,
};
