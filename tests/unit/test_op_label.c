/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of ai.onnx.ml and ai.onnx.preview.training: labels, features, decision trees, optimizers. Expected values
 * are by hand.
 */
#include "tests/support/op_text.h"

START_TEST(labels)
{
	static const struct op_row rows[] = {
		{ "ai.onnx.ml::LabelEncoder", "keys_strings=[a,b] values_int64s=[7,8]", "string[3]: 'b' 'x' 'a'",
		  "int64[3]: 8 -1 7" },
		{ "ai.onnx.ml::LabelEncoder", "keys_strings=[a,b] values_int64s=[7,8] default_int64=42",
		  "string[1,2]: 'x' 'a'", "int64[1,2]: 42 7" },
		{ "ai.onnx.ml::LabelEncoder", "keys_int64s=[1,2] values_strings=[one,two]", "int64[3]: 2 1 0",
		  "string[3]: 'two' 'one' '_Unused'" },
		{ "ai.onnx.ml::LabelEncoder", "keys_floats=[0.5,1.5] values_floats=[2.0,3.0] default_float=9.0",
		  "float32[3]: 1.5 0.5 1", "float32[3]: 3 2 9" },
		{ "ai.onnx.ml::LabelEncoder",
		  "keys_tensor=float64[2]:nan,1 values_tensor=int16[2]:3,4 "
		  "default_tensor=int16[1]:5",
		  "float64[3]: 1 nan 0", "int16[3]: 4 3 5" },
		{ "ai.onnx.ml::LabelEncoder",
		  "keys_tensor=string[2]:'a''b' values_tensor=int16[2]:3,4 "
		  "default_tensor=int16[1]:5",
		  "string[3]: 'b' 'c' 'a'", "int16[3]: 4 5 3" },
		/* the form of operator set 1, both ways */
		{ "ai.onnx.ml::LabelEncoder", "classes_strings=[p,q]", "string[3]: 'q' 'p' 'r'", "int64[3]: 1 0 -1" },
		{ "ai.onnx.ml::LabelEncoder", "classes_strings=[p,q] default_string=none", "int64[3]: 1 0 2",
		  "string[3]: 'q' 'p' 'none'" },
		/* the last of equal keys */
		{ "ai.onnx.ml::LabelEncoder", "keys_int64s=[1,1] values_int64s=[5,6]", "int64[1]: 1", "int64[1]: 6" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(
	    &(struct op_row) { "ai.onnx.ml::LabelEncoder", "keys_int64s=[1,2] values_int64s=[5]", "int64[1]: 1" },
	    OQZ_E_DATA, "2 keys for 1 values");
	op_refuses(&(struct op_row) { "ai.onnx.ml::LabelEncoder", "keys_strings=[a] values_int64s=[5]", "int64[1]: 1" },
	           OQZ_E_DATA, "labels are int64, the keys string");
}
END_TEST

START_TEST(features)
{
	static const struct op_row rows[] = {
		{ "ai.onnx.ml::Binarizer", "threshold=1.0", "float32[4]: 0.5 1 1.5 nan", "float32[4]: 0 0 1 0" },
		{ "ai.onnx.ml::Binarizer", "", "int64[3]: -1 0 2", "int64[3]: 0 0 1" },
		{ "ai.onnx.ml::ArrayFeatureExtractor", "", "float32[2,3]: 1 2 3 4 5 6; int64[2]: 2 0",
		  "float32[2,2]: 3 1 6 4" },
		{ "ai.onnx.ml::ArrayFeatureExtractor", "", "string[3]: 'a' 'b' 'c'; int64[1,2]: 1 1",
		  "string[1,2]: 'b' 'b'" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "ai.onnx.ml::ArrayFeatureExtractor", "", "float32[1,2]: 1 2; int64[1]: 2" },
	           OQZ_E_DATA, "index 2 of 2");
}
END_TEST

/* x0 < 2 ? (x1 <= 0.5 ? leaf 0 : leaf 1) : leaf 2; leaves weigh 1, 10, 100 for targets 0, 1, 0. */
#define TREE                                                                                                       \
	"n_targets=2 tree_roots=[0] nodes_featureids=[0,1] nodes_splits=float32[2]:2,0.5 nodes_truenodeids=[1,0] " \
	"nodes_trueleafs=[0,1] nodes_falsenodeids=[2,1] nodes_falseleafs=[1,1] leaf_targetids=[0,1,0] "            \
	"leaf_weights=float32[3]:1,10,100 nodes_modes=uint8[2]:1,0 "
/* The same tree twice. */
#define TWICE                                                                                            \
	"n_targets=2 tree_roots=[0,0] nodes_featureids=[0,1] nodes_splits=float32[2]:2,0.5 "             \
	"nodes_truenodeids=[1,0] nodes_trueleafs=[0,1] nodes_falsenodeids=[2,1] nodes_falseleafs=[1,1] " \
	"leaf_targetids=[0,1,0] leaf_weights=float32[3]:1,10,100 nodes_modes=uint8[2]:1,0 "

START_TEST(trees)
{
	static const struct op_row rows[] = {
		{ "ai.onnx.ml::TreeEnsemble", TREE, "float32[4,2]: 1 0.5 1 0.75 2 0 nan 0",
		  "float32[4,2]: 1 0 0 10 100 0 100 0" },
		{ "ai.onnx.ml::TreeEnsemble", TREE "nodes_missing_value_tracks_true=[1,0]",
		  "float64[2,2]: nan 0 nan nan", "float64[2,2]: 1 0 0 10" },
		{ "ai.onnx.ml::TreeEnsemble", TWICE, "float32[1,2]: 3 0", "float32[1,2]: 200 0" },
		{ "ai.onnx.ml::TreeEnsemble", TWICE "aggregate_function=0", "float32[1,2]: 3 0",
		  "float32[1,2]: 100 0" },
		{ "ai.onnx.ml::TreeEnsemble", TWICE "aggregate_function=2", "float32[1,2]: 3 0",
		  "float32[1,2]: 100 0" },
		{ "ai.onnx.ml::TreeEnsemble", TREE "post_transform=2", "float32[1,2]: 1 0",
		  "float32[1,2]: 0.731058579 0.5", 1e-6 },
		{ "ai.onnx.ml::TreeEnsemble", TREE "post_transform=1", "float32[1,2]: 1 0",
		  "float32[1,2]: 0.731058579 0.268941421", 1e-6 },
		{ "ai.onnx.ml::TreeEnsemble", TREE "post_transform=3", "float32[1,2]: 1 0", "float32[1,2]: 1 0", 1e-6 },
		/* the quantile of 0.75 */
		{ "ai.onnx.ml::TreeEnsemble",
		  "n_targets=1 tree_roots=[0] nodes_featureids=[0] nodes_splits=float32[1]:0 nodes_truenodeids=[0] "
		  "nodes_trueleafs=[1] nodes_falsenodeids=[0] nodes_falseleafs=[1] leaf_targetids=[0] "
		  "leaf_weights=float32[1]:0.75 nodes_modes=uint8[1]:0 post_transform=4",
		  "float32[1,1]: 0", "float32[1,1]: 0.674489750", 1e-6 },
		/* sets in the order of their nodes: node 0 of {1, 2}, node 1 of {5} */
		{ "ai.onnx.ml::TreeEnsemble",
		  "n_targets=3 tree_roots=[0] nodes_featureids=[0,0] nodes_splits=float32[2]:0 nodes_truenodeids=[0,1] "
		  "nodes_trueleafs=[1,1] nodes_falsenodeids=[1,2] nodes_falseleafs=[0,1] leaf_targetids=[0,1,2] "
		  "leaf_weights=float32[3]:1,2,3 nodes_modes=uint8[2]:6 membership_values=float32[5]:1,2,nan,5,nan",
		  "float32[4,1]: 2 5 7 nan", "float32[4,3]: 1 0 0 0 2 0 0 0 3 0 0 3" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "ai.onnx.ml::TreeEnsemble", TREE, "float32[1,1]: 1" }, OQZ_E_DATA,
	           "feature 1 of 1");
	op_refuses(&(struct op_row) { "ai.onnx.ml::TreeEnsemble",
	                              "n_targets=1 tree_roots=[0] nodes_featureids=[0] nodes_splits=float32[1]:0 "
	                              "nodes_truenodeids=[0] nodes_trueleafs=[0] nodes_falsenodeids=[0] "
	                              "nodes_falseleafs=[0] leaf_targetids=[0] leaf_weights=float32[1]:1 "
	                              "nodes_modes=uint8[1]:0",
	                              "float32[1,1]: 1" },
	           OQZ_E_DATA, "no end");
}
END_TEST

#define SGD "ai.onnx.preview.training::Momentum"

/* One step of each optimizer on numbers that can be done by hand. */
START_TEST(optimizers)
{
	static const struct op_row rows[] = {
		/* v = 0.5 * 4 + 1 * 2 (the first step) = 4, x = 10 - 0.5 * 4 */
		{ SGD, "alpha=0.5 beta=3.0 norm_coefficient=0.0 mode=standard",
		  "float32[]: 0.5; int64[]: 0; float32[1]: 10; float32[1]: 2; float32[1]: 4",
		  "float32[1]: 8; float32[1]: 4", 1e-6 },
		/* v = 2 + 3 * 2 = 8, x = 10 - 0.5 * (2 + 4) */
		{ SGD, "alpha=0.5 beta=3.0 norm_coefficient=0.0 mode=nesterov",
		  "float32[]: 0.5; int64[]: 1; float32[1]: 10; float32[1]: 2; float32[1]: 4",
		  "float32[1]: 7; float32[1]: 8", 1e-6 },
		/* two tensors: X, Y, their gradients, their states; h = 16 + 9, x = 1 - 1 / (1 + 1) * 3 / 5 */
		{ "ai.onnx.preview.training::Adagrad", "decay_factor=0.5 epsilon=0.0",
		  "float32[]: 1; int64[]: 2; float32[1]: 1; float32[2]: 0; float32[1]: 3; float32[2]: 2; float32[1]: "
		  "16; "
		  "float32[2]: 0",
		  "float32[1]: 0.7; float32[2]: -0.5; float32[1]: 25; float32[2]: 4", 1e-6 },
		/* v = 0.5 * 2, h = 0.25 * 4; rate 1 * sqrt(1 - 0.75) / (1 - 0.5) = 1; x = (3 - 1) * 0.5 */
		{ "ai.onnx.preview.training::Adam", "alpha=0.5 beta=0.75 epsilon=0.0 norm_coefficient_post=0.5",
		  "float32[]: 1; int64[]: 1; float32[1]: 3; float32[1]: 2; float32[1]: 0; float32[1]: 0",
		  "float32[1]: 1; float32[1]: 1; float32[1]: 1", 1e-6 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(
	    &(struct op_row) { SGD, "alpha=0.5 beta=3.0 norm_coefficient=0.0 mode=standard",
	                       "float32[]: 1; int64[]: 1; float32[1]: 1; float32[1]: 1; float32[1]: 1; float32[1]: 1" },
	    OQZ_E_DATA, "6 inputs");
}
END_TEST

OQZ_TEST_MAIN("op_label", labels, features, trees, optimizers)
