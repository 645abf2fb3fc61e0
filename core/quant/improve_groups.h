/* SPDX-License-Identifier: Apache-2.0
 *
 * Where channels may be rescaled: layers that make a set of values and layers that read them, with nothing between that
 * would not pass a positive factor per channel through. Multiplying the makers' output channels by k and dividing the
 * readers' input channels by it leaves the network's function as it was. Shared by equalize and migrate.
 */
#ifndef OQZ_QUANT_IMPROVE_GROUPS_H
#define OQZ_QUANT_IMPROVE_GROUPS_H

#include "core/quant/improve.h"

struct oqz_channel_group {
	OQZ_VEC(struct oqz_node *) makers, readers, clips; /* clips: Clip from 0, whose limits go with the channels */
	OQZ_VEC(struct oqz_value *) values;                /* all that is rescaled, makers' outputs included */
	int64_t channels;
	bool rectified; /* readers see what Relu or Clip have made of the makers' outputs */
	bool open;      /* the clips lose their limits instead */
};
void oqz_channel_group_release(struct oqz_channel_group *c);

enum {
	OQZ_GROUP_ADD = 1,       /* through Add and Sub of two rescaled values */
	OQZ_GROUP_LIMIT = 2,     /* through Clip(0, x), whose limit becomes one per channel */
	OQZ_GROUP_LAYERNORM = 4, /* LayerNormalization with constant scale and bias may be a maker */
	OQZ_GROUP_OPEN = 8,      /* through Clip(0, x), which becomes Relu */
};

/* The group that node `seed` is a maker of. *ret_found false: there is none (something in it does not pass factors, is
 * an output of the graph, or has weights that are not constants). */
enum oqz_status oqz_channel_group_find(struct oqz_graph *g, struct oqz_node *seed, unsigned through,
                                       struct oqz_channel_group *ret, bool *ret_found, struct oqz_err *err);

/* Largest weight of each channel, in magnitude, over all makers' output channels or all readers' input channels: raises
 * peak[channels]. */
void oqz_channel_peaks(struct oqz_node *const *nodes, size_t n, bool maker, float *peak);

/* Multiplies output channel c of every maker (weights and bias) by factor[c] and divides the readers' input channel;
 * rescales or opens the clips; records constants and gains. */
enum oqz_status oqz_channel_group_rescale(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_channel_group *c,
                                          const float *factor, struct oqz_err *err);

#endif
