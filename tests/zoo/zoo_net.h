/* SPDX-License-Identifier: Apache-2.0
 *
 * Stand-ins for the models of QuantZoo: networks of a few thousand random weights that have the inputs, outputs and
 * monitored values of the real ones, so that etc/quantzoo.yaml runs on them as it is.
 */
#ifndef OQZ_TESTS_ZOO_NET_H
#define OQZ_TESTS_ZOO_NET_H

#include "core/graph/graph.h"

enum zoo_head {
	ZOO_CLASSES,     /* (1, 1000) */
	ZOO_TRANSFORMER, /* the same behind a decomposed layer normalisation */
	ZOO_PIXELS,      /* (1, 19, h, w), smaller than the input */
	ZOO_BOXES,       /* num_dets, boxes, scores, labels, with /Split_output_1 inside */
	ZOO_TEXT,        /* (1, 80, classes) */
	ZOO_LARGER,      /* (1, 3, 4h, 4w) of any input */
	ZOO_HEATMAP,     /* (1, 17, 64, 48) */
	ZOO_SIMCC,       /* (1, 17, 384) and (1, 17, 512) */
	ZOO_REGRESSION,  /* (1, 17, 2) */
};

struct zoo_model {
	const char *file; /* below Model/, without .onnx */
	enum zoo_head head;
	int64_t height, width; /* of the input */
	const char *watch[3];  /* monitored values, in the order of the network; "output": the output itself */
	int64_t classes;       /* ZOO_TEXT */
};

/* Builds the network; weights follow from the file's name. */
enum oqz_status zoo_net(const struct zoo_model *m, struct oqz_graph **ret, struct oqz_err *err);

#endif
