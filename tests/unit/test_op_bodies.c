/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that ONNX defines as functions of others: each row computes its operator (y) and, beside it, what it stands
 * for (z, in operators that have vectors of their own). Both must agree on random numbers, and so must the interpreter
 * and the executor; exporters and ONNX's test suite use either form.
 */
#include "core/exec/exec.h"
#include "core/ops/interpret.h"
#include "tests/support/graph_text.h"
#include "tests/support/op_text.h"

#include <math.h>
#include <string.h>

enum { MAX_VALUES = 8, SEEDS = 3 };

static void same(const char *text, const char *what, const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	ck_assert_msg(a->dtype == b->dtype && oqz_shape_equal(&a->shape, &b->shape), "%s: other types in\n%s", what,
	              text);
	for (int64_t i = 0; i < oqz_tensor_nelem(a); i++) {
		double x = oqz_load_f(a->dtype, a->data, (size_t)i), y = oqz_load_f(b->dtype, b->data, (size_t)i);
		double tolerance = a->dtype == OQZ_DT_F16 ? 2e-3 : 2e-5;
		ck_assert_msg(x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= tolerance * (1 + fabs(y)),
		              "%s, element %lld: %.9g and %.9g in\n%s", what, (long long)i, x, y, text);
	}
}

/* Outputs come in two halves: of the operators, of what they stand for. */
static void halves_agree(const char *text, const char *what, const struct oqz_tensor *out, size_t n)
{
	ck_assert_msg(n && n % 2 == 0, "an odd number of outputs: %s", text);
	for (size_t i = 0; i < n / 2; i++)
		same(text, what, &out[i], &out[n / 2 + i]);
}

static void run_planned(struct oqz_graph *g, const struct oqz_tensor *in, const struct oqz_tensor *want,
                        const char *text)
{
	struct oqz_program *p = NULL;
	struct oqz_context *c = NULL;
	struct oqz_shape shapes[MAX_VALUES];

	for (size_t i = 0; i < g->inputs.n; i++)
		shapes[i] = in[i].shape;
	ck_ok(oqz_program_new(g, &(struct oqz_exec_options) { .engine = OQZ_ENGINE_AUTO }, shapes, &p, err));
	ck_ok(oqz_context_new(p, &c, err));
	for (size_t i = 0; i < g->inputs.n; i++)
		ck_ok(oqz_context_set_input(c, i, &in[i], err));
	ck_ok(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
	for (size_t i = 0; i < g->outputs.n; i++)
		same(text, "interpreter and executor", oqz_context_output(c, i), &want[i]);
	oqz_context_free(c);
	oqz_program_free(p);
}

static void check_body(const char *text)
{
	struct oqz_graph *g = graph_text(text);

	ck_ok(oqz_infer_types(g, err));
	ck_assert(g->inputs.n <= MAX_VALUES && g->outputs.n <= MAX_VALUES);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct oqz_tensor in[MAX_VALUES] = { 0 }, out[MAX_VALUES] = { 0 };
		const struct oqz_tensor *given[MAX_VALUES];

		graph_text_inputs(g, seed, 4, in);
		for (size_t i = 0; i < g->inputs.n; i++)
			given[i] = &in[i];
		ck_ok(oqz_interpret(g, given, out, NULL, NULL, err));
		halves_agree(text, "operator and meaning", out, g->outputs.n);
		run_planned(g, in, out, text);
		for (size_t i = 0; i < MAX_VALUES; i++) {
			oqz_tensor_release(&in[i]);
			oqz_tensor_release(&out[i]);
		}
	}
	oqz_graph_free(g);
}

static void check_bodies(const char *const *rows)
{
	for (; *rows; rows++)
		check_body(*rows);
}

START_TEST(activations)
{
	static const char *const rows[] = {
		/* with the parameters away from their defaults */
		"in x float32[3,5]\na = float32[]: 1.5\nzero = float32[]: 0\none = float32[]: 1\n"
		"y = Elu alpha=1.5 (x)\ne = Exp (x)\nm = Sub (e one)\ns = Mul (m a)\nlow = Less (x zero)\n"
		"z = Where (low s x)\nout y z",
		"in x float32[3,5]\na = float32[]: 1.5\nb = float32[]: 3\nzero = float32[]: 0\n"
		"y = Selu alpha=1.5 gamma=3.0 (x)\ne = Exp (x)\nae = Mul (e a)\nm = Sub (ae a)\nup = Greater (x zero)\n"
		"w = Where (up x m)\nz = Mul (w b)\nout y z",
		"in x float32[3,5]\na = float32[]: 0.75\none = float32[]: 1\nzero = float32[]: 0\n"
		"y = Celu alpha=0.75 (x)\nq = Div (x a)\ne = Elu alpha=1.0 (q)\nz = Mul (e a)\nout y z",
		"in x float32[3,5]\na = float32[]: 0.5\nb = float32[]: 0.6\nzero = float32[]: 0\none = float32[]: 1\n"
		"y = HardSigmoid alpha=0.5 beta=0.6 (x)\nm = Mul (x a)\ns = Add (m b)\nz = Clip (s zero one)\nout y z",
		"in x float32[3,5]\ny = HardSwish (x)\nh = HardSigmoid alpha=0.166666667 beta=0.5 (x)\nz = Mul (x "
		"h)\nout y z",
		"in x float32[3,5]\ny = Mish (x)\ns = Softplus (x)\nt = Tanh (s)\nz = Mul (x t)\nout y z",
		"in x float32[3,5]\none = float32[]: 1\ny = Softplus (x)\ne = Exp (x)\ns = Add (e one)\nz = Log "
		"(s)\nout y z",
		"in x float32[3,5]\none = float32[]: 1\ny = Softsign (x)\na = Abs (x)\ns = Add (a one)\nz = Div (x "
		"s)\nout y z",
		"in x float32[3,5]\na = float32[]: 2.5\ny = Swish alpha=2.5 (x)\nm = Mul (x a)\ns = Sigmoid (m)\n"
		"z = Mul (x s)\nout y z",
		"in x float32[3,5]\na = float32[]: 2\nzero = float32[]: 0\ny = ThresholdedRelu alpha=2.0 (x)\n"
		"up = Greater (x a)\nz = Where (up x zero)\nout y z",
		"in x float32[3,5]\nl = float32[]: 1\nn = float32[]: -1\nb = float32[]: 0.5\nzero = float32[]: 0\n"
		"y = Shrink bias=0.5 lambd=1.0 (x)\nlow = Less (x n)\nup = Greater (x l)\nxa = Add (x b)\nxs = Sub (x "
		"b)\n"
		"w = Where (up xs zero)\nz = Where (low xa w)\nout y z",
		"in x float32[3,5]\nhalf = float32[]: 0.5\none = float32[]: 1\nr = float32[]: 1.41421356\ny = Gelu "
		"(x)\n"
		"q = Div (x r)\ne = Erf (q)\ns = Sum (one e)\nh = Mul (half x)\nz = Mul (h s)\nout y z",
		"in x float32[3,5]\nhalf = float32[]: 0.5\none = float32[]: 1\nk = float32[]: 0.797884561\n"
		"c = float32[]: 0.044715\nthree = float32[]: 3\ny = Gelu approximate=tanh (x)\np = Pow (x three)\n"
		"m = Mul (p c)\ns = Sum (x m)\na = Mul (k s)\nt = Tanh (a)\nu = Sum (one t)\nh = Mul (half x)\n"
		"z = Mul (h u)\nout y z",
		"in x float32[2,3,4]\nin s float32[3,1]\nzero = float32[]: 0\ny = PRelu (x s)\nlow = Less (x zero)\n"
		"m = Mul (x s)\nz = Where (low m x)\nout y z",
		NULL,
	};
	check_bodies(rows);
}
END_TEST

START_TEST(normalizations)
{
	static const char *const rows[] = {
		"in x float32[2,3,4]\naxes = int64[1]: 1\ny = Softmax axis=1 (x)\nm = ReduceMax (x axes)\nd = Sub (x "
		"m)\n"
		"e = Exp (d)\ns = ReduceSum (e axes)\nz = Div (e s)\nout y z",
		"in x float32[2,3,4]\naxes = int64[1]: 0\ny = LogSoftmax axis=0 (x)\nl = ReduceLogSumExp (x axes)\n"
		"z = Sub (x l)\nout y z",
		"in x float32[2,3,4]\nin w float32[3,4]\nin b float32[3,4]\naxes = int64[2]: 1 2\neps = float32[]: "
		"0.01\n"
		"y mean inv = LayerNormalization axis=1 epsilon=0.01 (x w b)\nm = ReduceMean (x axes)\nd = Sub (x m)\n"
		"q = Mul (d d)\nv = ReduceMean (q axes)\nve = Add (v eps)\ns = Sqrt (ve)\nr = Reciprocal (s)\n"
		"n = Mul (d r)\nnw = Mul (n w)\nz = Add (nw b)\nout y mean inv z m r",
		"in x float32[2,3,4]\nin w float32[4]\naxes = int64[1]: -1\neps = float32[]: 0.00001\n"
		"y = RMSNormalization (x w)\nq = Mul (x x)\nv = ReduceMean (q axes)\nve = Add (v eps)\ns = Sqrt (ve)\n"
		"n = Div (x s)\nz = Mul (n w)\nout y z",
		"in x float32[2,4,3,2]\nin w float32[4]\nin b float32[4]\nto = int64[3]: 2 2 -1\neps = float32[]: 0.1\n"
		"axes = int64[1]: 2\nper = int64[3]: 1 4 1\ny = GroupNormalization num_groups=2 epsilon=0.1 (x w b)\n"
		"g = Reshape (x to)\nm = ReduceMean (g axes)\nd = Sub (g m)\nq = Mul (d d)\nv = ReduceMean (q axes)\n"
		"ve = Add (v eps)\ns = Sqrt (ve)\nn = Div (d s)\nflat = int64[3]: 2 4 6\nf = Reshape (n flat)\n"
		"w3 = Reshape (w per)\nb3 = Reshape (b per)\nfw = Mul (f w3)\nfb = Add (fw b3)\nsh = Shape (x)\n"
		"z = Reshape (fb sh)\nout y z",
		"in x float32[2,3,4,2]\naxes = int64[3]: 0 2 3\neps = float32[]: 0.000000001\n"
		"y = MeanVarianceNormalization (x)\nm = ReduceMean (x axes)\nd = Sub (x m)\nq = Mul (d d)\n"
		"v = ReduceMean (q axes)\ns = Sqrt (v)\nse = Add (s eps)\nz = Div (d se)\nout y z",
		NULL,
	};
	check_bodies(rows);
}
END_TEST

START_TEST(reductions)
{
	static const char *const rows[] = {
		"in x float32[2,3,4]\nk = int64[2]: 0 -1\ny = ReduceL1 keepdims=0 (x k)\na = Abs (x)\n"
		"z = ReduceSum keepdims=0 (a k)\nout y z",
		"in x float32[2,3,4]\nk = int64[1]: 1\ny = ReduceL2 (x k)\nq = Mul (x x)\ns = ReduceSum (q k)\nz = "
		"Sqrt (s)\n"
		"out y z",
		"in x float32[2,3,4]\nk = int64[0]:\ny = ReduceSumSquare (x k)\nq = Mul (x x)\nz = ReduceSum (q "
		"k)\nout y z",
		"in x float32[2,3,4]\nk = int64[1]: 2\ny = ReduceLogSum (x k)\ns = ReduceSum (x k)\nz = Log (s)\nout y "
		"z",
		"in x float32[2,3,4]\nk = int64[1]: 2\ny = ReduceLogSumExp (x k)\nd = Cast to=11 (x)\ne = Exp (d)\n"
		"s = ReduceSum (e k)\nl = Log (s)\nz = CastLike (l x)\nout y z",
		/* empty sets: sums are 0, their logarithms infinite */
		"in x float32[2,0,4]\nk = int64[1]: 1\ny = ReduceLogSumExp (x k)\ne = Exp (x)\ns = ReduceSum (e k)\n"
		"z = Log (s)\nout y z",
		NULL,
	};
	check_bodies(rows);
}
END_TEST

/* Keys and values of shared heads stand beside each other as often as queries share them. */
#define SHARED                                                                                       \
	"two = int64[1]: 2\nk5 = Unsqueeze (k two)\nv5 = Unsqueeze (v two)\nke = Expand (k5 wide)\n" \
	"ve = Expand (v5 wide)\nkh = Reshape (ke tall)\nvh = Reshape (ve tall)\nkt = Transpose perm=[0,1,3,2] (kh)\n"

START_TEST(attention)
{
	static const char *const rows[] = {
		/* six heads of queries on three of keys; a mask of floats, causal */
		"in q float32[2,6,4,8]\nin k float32[2,3,4,8]\nin v float32[2,3,4,8]\nin bias float32[2,1,4,4]\n"
		"wide = int64[5]: 2 3 2 4 8\ntall = int64[4]: 2 6 4 8\n" SHARED
		"scale = float32[]: 0.3\nhide = float32[]: -inf\nnone = float32[]: 0\nones = float32[4,4]: 1\n"
		"y = Attention scale=0.3 is_causal=1 (q k v bias)\ns = MatMul (q kt)\nt = Mul (s scale)\n"
		"low = Trilu upper=0 (ones)\nsee = Cast to=9 (low)\nm = Where (see none hide)\ntb = Add (t bias)\n"
		"tm = Add (tb m)\np = Softmax (tm)\nz = MatMul (p vh)\nout y z",
		/* (B, length, heads * size), with a cache in front and all outputs */
		"in q float32[2,3,8]\nin k float32[2,3,8]\nin v float32[2,3,8]\nin pk float32[2,2,5,4]\n"
		"in pv float32[2,2,5,4]\nheads = int64[4]: 0 0 2 4\nflat = int64[3]: 0 0 8\n"
		"y kk vv qk = Attention q_num_heads=2 kv_num_heads=2 softcap=1.5 qk_matmul_output_mode=3 (q k v - pk "
		"pv)\n"
		"qr = Reshape (q heads)\nkr = Reshape (k heads)\nvr = Reshape (v heads)\nqh = Transpose perm=[0,2,1,3] "
		"(qr)\n"
		"kh = Transpose perm=[0,2,1,3] (kr)\nvh = Transpose perm=[0,2,1,3] (vr)\nkk2 = Concat axis=2 (pk kh)\n"
		"vv2 = Concat axis=2 (pv vh)\nkt = Transpose perm=[0,1,3,2] (kk2)\ns = MatMul (qh kt)\nhalf = "
		"float32[]: 0.5\n"
		"t = Mul (s half)\ncap = float32[]: 1.5\nd = Div (t cap)\nh = Tanh (d)\nc = Mul (h cap)\nqk2 = Softmax "
		"(c)\n"
		"o = MatMul (qk2 vv2)\nr = Transpose perm=[0,2,1,3] (o)\nz = Reshape (r flat)\nout y kk vv qk z kk2 "
		"vv2 qk2",
		/* a cache, a mask for each head that reaches over it, a cap below the mask, causal behind the cache */
		"in q float32[2,4,3,8]\nin k float32[2,2,3,8]\nin v float32[2,2,3,5]\nin bias float32[2,4,3,7]\n"
		"in pk float32[2,2,4,8]\nin pv float32[2,2,4,5]\nwide = int64[5]: 2 2 2 7 8\ntall = int64[4]: 2 4 7 8\n"
		"wide5 = int64[5]: 2 2 2 7 5\ntall5 = int64[4]: 2 4 7 5\ntwo = int64[1]: 2\n"
		"y kk vv qk = Attention is_causal=1 softcap=0.75 qk_matmul_output_mode=2 (q k v bias pk pv)\n"
		"kk2 = Concat axis=2 (pk k)\nvv2 = Concat axis=2 (pv v)\nk5 = Unsqueeze (kk2 two)\nv5 = Unsqueeze (vv2 "
		"two)\n"
		"ke = Expand (k5 wide)\nve = Expand (v5 wide5)\nkh = Reshape (ke tall)\nvh = Reshape (ve tall5)\n"
		"kt = Transpose perm=[0,1,3,2] (kh)\ns = MatMul (q kt)\nscale = float32[]: 0.353553391\nt = Mul (s "
		"scale)\n"
		"cap = float32[]: 0.75\nd = Div (t cap)\nh = Tanh (d)\nc = Mul (h cap)\nones = float32[3,7]: 1\n"
		"four = int64[]: 4\nhide = float32[]: -inf\nnone = float32[]: 0\nlow = Trilu upper=0 (ones four)\n"
		"see = Cast to=9 (low)\nm = Where (see none hide)\ncb = Add (c bias)\nqk2 = Add (cb m)\np = Softmax "
		"(qk2)\n"
		"z = MatMul (p vh)\nout y kk vv qk z kk2 vv2 qk2",
		/* keys beyond the valid ones, and beyond the end of the mask */
		"in q float32[2,3,4,8]\nin k float32[2,3,6,8]\nin v float32[2,3,6,10]\nin bias float32[2,3,4,5]\n"
		"valid = int64[2]: 3 5\ny = Attention (q k v bias - - valid)\nkt = Transpose perm=[0,1,3,2] (k)\n"
		"s = MatMul (q kt)\nscale = float32[]: 0.353553391\nt = Mul (s scale)\nends = int64[8]: 0 0 0 0 0 0 0 "
		"1\n"
		"hide = float32[]: -inf\nb6 = Pad (bias ends hide)\ntb = Add (t b6)\nat = int64[6]: 0 1 2 3 4 5\n"
		"rows = int64[4]: 2 1 1 1\nn = Reshape (valid rows)\nin_use = Less (at n)\ntm = Where (in_use tb "
		"hide)\n"
		"p = Softmax (tm)\nz = MatMul (p v)\nout y z",
		/* half precision */
		"in q float16[1,2,3,4]\nin k float16[1,2,5,4]\nin v float16[1,2,5,4]\ny = Attention (q k v)\n"
		"kt = Transpose perm=[0,1,3,2] (k)\nhalf = float16[]: 0.5\nqs = Mul (q half)\ns = MatMul (qs kt)\n"
		"p = Softmax (s)\nz = MatMul (p v)\nout y z",
		/* pairs of the first four of six elements turn */
		"in x float32[2,3,5,6]\nin c float32[2,5,3]\nin s float32[2,5,3]\n"
		"y = RotaryEmbedding rotary_embedding_dim=4 (x c s)\nparts = int64[3]: 2 2 2\na b rest = Split axis=3 "
		"(x parts)\n"
		"two = int64[1]: 2\nzero = int64[1]: 0\none = int64[1]: 1\ncs = Slice (c zero two two)\nss = Slice (s "
		"zero two two)\n"
		"c4 = Unsqueeze (cs one)\ns4 = Unsqueeze (ss one)\nca = Mul (c4 a)\nsb = Mul (s4 b)\nre = Sub (ca sb)\n"
		"sa = Mul (s4 a)\ncb = Mul (c4 b)\nim = Add (sa cb)\nz = Concat axis=3 (re im rest)\nout y z",
		/* neighbours turn; tables by position */
		"in x float32[2,4,6]\nin c float32[9,1]\nin s float32[9,1]\nid = int64[2,4]: 8 1 2 3 4 5 6 7\n"
		"y = RotaryEmbedding interleaved=1 num_heads=3 (x c s id)\nto = int64[4]: 2 4 3 2\nr = Reshape (x to)\n"
		"a b = Split axis=3 num_outputs=2 (r)\ncg = Gather (c id)\nsg = Gather (s id)\nat = int64[1]: 2\n"
		"c4 = Unsqueeze (cg at)\ns4 = Unsqueeze (sg at)\nca = Mul (c4 a)\nsb = Mul (s4 b)\nre = Sub (ca sb)\n"
		"sa = Mul (s4 a)\ncb = Mul (c4 b)\nim = Add (sa cb)\nj = Concat axis=3 (re im)\nsh = Shape (x)\n"
		"z = Reshape (j sh)\nout y z",
		NULL,
	};
	check_bodies(rows);
}
END_TEST

START_TEST(attention_with_graphs)
{
	static const char *const rows[] = {
		"in q float32[2,4,3,8]\nin k float32[2,2,5,8]\nin v float32[2,2,5,6]\nwide = int64[5]: 2 2 2 5 8\n"
		"wide6 = int64[5]: 2 2 2 5 6\ntall = int64[4]: 2 4 5 8\ntall6 = int64[4]: 2 4 5 6\ntwo = int64[1]: 2\n"
		"y = ai.onnx.preview::FlexAttention (q k v)\nk5 = Unsqueeze (k two)\nv5 = Unsqueeze (v two)\n"
		"ke = Expand (k5 wide)\nve = Expand (v5 wide6)\nkh = Reshape (ke tall)\nvh = Reshape (ve tall6)\n"
		"z = Attention (q kh vh)\nout y z",
		/* a graph for the scores that reads a value from around it, one for the weights */
		"in q float32[1,2,3,4]\nin k float32[1,2,5,4]\nin v float32[1,2,5,4]\nin b float32[3,5]\nin w "
		"float32[2,1,1]\n"
		"bb = Neg (b)\nww = Abs (w)\ny = ai.onnx.preview::FlexAttention scale=0.25 (q k v)\n"
		"with score_mod\nin s float32[1,2,3,5]\nt = Tanh (s)\nr = Add (t bb)\nend r\n"
		"with prob_mod\nin p float32[1,2,3,5]\nr = Mul (p ww)\nend r\n"
		"kt = Transpose perm=[0,1,3,2] (k)\nscale = float32[]: 0.25\ns0 = MatMul (q kt)\ns1 = Mul (s0 scale)\n"
		"s2 = Tanh (s1)\ns3 = Add (s2 bb)\np0 = Softmax (s3)\np1 = Mul (p0 ww)\nz = MatMul (p1 v)\nout y z",
		/* only the second graph; double */
		"in q float64[1,2,3,4]\nin w float64[5]\nv = Abs (q)\nk = Neg (q)\n"
		"y = ai.onnx.preview::FlexAttention (q k v)\nwith prob_mod\nin p float64[1,2,3,3]\nn = Neg (p)\nend n\n"
		"a = ai.onnx.preview::FlexAttention (q k v)\nz = Neg (a)\nout y z",
		NULL,
	};
	struct op_row bad = { "ai.onnx.preview::FlexAttention",
		              "",
		              "float32[1,2,1,1]: 0; float32[1,1,1,1]: 0; float32[1,1,2,1]: 0",
		              "-",
		              0,
		              0 };

	check_bodies(rows);
	op_refuses(&bad, OQZ_E_DATA, "belong");
	bad.in = "float32[1,3,1,1]: 0; float32[1,2,1,1]: 0; float32[1,2,1,1]: 0";
	op_refuses(&bad, OQZ_E_DATA, "heads");
	bad.in = "float32[1,1,1,1]: 0; float32[1,1,1,1]: 0; float32[1,1,1,1]: 0; float32[1,1,1,1]: 0";
	op_refuses(&bad, OQZ_E_DATA, "Q, K and V");
	bad.in = "float32[1,1,1,1]: 0; float32[1,1,1,1]: 0; float32[1,1,1,1]: 0";
	bad.attrs = "softmax_precision=7";
	op_refuses(&bad, OQZ_E_DATA, "softmax_precision 7");
	bad.attrs = "";
	bad.out = "float32[1,1,1,1]: 2";
	bad.in = "float32[1,1,1,1]: 1; float32[1,1,1,1]: 3; float32[1,1,1,1]: 2";
	op_check(&bad);
}
END_TEST

static void run_fails(const char *text, const char *why)
{
	struct oqz_graph *g = graph_text(text);
	struct oqz_tensor in[MAX_VALUES] = { 0 }, out[MAX_VALUES] = { 0 };
	const struct oqz_tensor *given[MAX_VALUES];

	graph_text_inputs(g, 1, 1, in);
	for (size_t i = 0; i < g->inputs.n; i++)
		given[i] = &in[i];
	ck_fails(oqz_interpret(g, given, out, NULL, NULL, err), OQZ_E_DATA, why);
	for (size_t i = 0; i < MAX_VALUES; i++)
		oqz_tensor_release(&in[i]);
	oqz_graph_free(g);
}

START_TEST(graphs_that_make_something_else)
{
	run_fails("in q float32[1,1,2,2]\ny = ai.onnx.preview::FlexAttention (q q q)\nwith score_mod\n"
	          "in s float32[1,1,2,2]\nk = int64[1]: 3\nr = ReduceSum (s k)\nend r\nout y",
	          "score_mod makes");
	run_fails("in q float32[1,1,2,2]\ny = ai.onnx.preview::FlexAttention (q q q)\nwith prob_mod\n"
	          "in s float32[1,1,2,2]\na b = Split axis=3 num_outputs=2 (s)\nend a b\nout y",
	          "prob_mod has 1 inputs and 2 outputs");
}
END_TEST

START_TEST(movements)
{
	static const char *const rows[] = {
		/* a grid of two dimensions by hand: the corners' centres, and the corners themselves */
		"in t float32[2,2,3]\nsize = int64[4]: 2 3 4 5\ny = AffineGrid (t size)\nys = float32[4,1,1]: -0.75 "
		"-0.25 0.25 0.75\n"
		"xs = float32[1,5,1]: -0.8 -0.4 0 0.4 0.8\nones = float32[4,5,1]: 1\nfull = int64[3]: 4 5 1\nxe = "
		"Expand (xs full)\n"
		"yx = Expand (ys full)\np = Concat axis=2 (xe yx ones)\nflat = int64[2]: 20 3\nrows = Reshape (p "
		"flat)\n"
		"tt = Transpose perm=[0,2,1] (t)\ng = MatMul (rows tt)\nto = int64[4]: 2 4 5 2\nz = Reshape (g "
		"to)\nout y z",
		"in t float32[1,2,3]\nsize = int64[4]: 1 1 3 2\ny = AffineGrid align_corners=1 (t size)\n"
		"rows = float32[6,3]: -1 -1 1 1 -1 1 -1 0 1 1 0 1 -1 1 1 1 1 1\ntt = Transpose perm=[0,2,1] (t)\n"
		"g = MatMul (rows tt)\nto = int64[4]: 1 3 2 2\nz = Reshape (g to)\nout y z",
		"in x float32[7,4,3]\nto = int64[2]: 4 7\nat = int64[2]: 0 1\ny = CenterCropPad axes=[0,1] (x to)\n"
		"from = int64[1]: 1\nupto = int64[1]: 5\nax = int64[1]: 0\ncut = Slice (x from upto ax)\n"
		"ends = int64[6]: 0 1 0 0 2 0\nz = Pad (cut ends)\nout y z",
		"in x float32[2,3,4]\nlo = float32[]: -1\nhi = float32[]: 2\ny = Clip (x lo hi)\nl = Less (x lo)\n"
		"t = Where (l lo x)\nu = Greater (t hi)\nz = Where (u hi t)\nout y z",
		"in x float32[2,3,4]\nin like float16[1]\ny = CastLike (x like)\nz = Cast to=10 (x)\nout y z",
		NULL,
	};
	check_bodies(rows);
}
END_TEST

OQZ_TEST_MAIN("op_bodies", activations, normalizations, reductions, attention, attention_with_graphs,
              graphs_that_make_something_else, movements)
