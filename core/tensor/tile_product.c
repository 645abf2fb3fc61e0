/* SPDX-License-Identifier: Apache-2.0
 *
 * See tile_product.h. oneDNN 2.6 has kernels of its own for this, but of those on bfloat16 the fast one goes wrong now
 * and then (core/exec/dnnl/dnnl_select.c) and the others take up to 3 times as long; its integer kernels spend as much
 * around their products as in them where layers are small.
 *
 * Two tiles of x by two of weights make four tiles of 16 x 16 sums, which stay in registers over all of k. Weights are
 * read once, 32 columns at a time, or if x is large once for as much of it as stays in the cache; x comes by for each
 * of them. The last rows overlap those before them, where the same numbers are written twice. Blocks of k divide it, so
 * that nothing has to be filled up: a code read beyond a row would be the next pixel's, and 0 * NaN is not 0.
 */
#include "core/tensor/tile_product.h"
#include "core/base/checked.h"
#include "core/base/compiler.h"
#include "core/base/pages.h"

#include <math.h>
#include <string.h>

enum {
	SIDE = 16,         /* rows of a tile of x, columns of one of weights */
	WIDTH = 64,        /* bytes of a tile's row at most */
	WORD = 4,          /* bytes that are multiplied and added up together */
	LEAST = 16,        /* bytes of a block of k that are worth it */
	CACHED = 512 << 10 /* bytes of x that stay in a second-level cache */
};

struct oqz_tile_product {
	enum oqz_tile_type type;
	int64_t k, n, blocks; /* blocks of k */
	int64_t block;        /* its bytes, of a row of x */
	uint8_t *weights;     /* (tiles of columns, blocks, block / WORD, SIDE, WORD) */
	size_t bytes;
	float *bias, *scale; /* for whole tiles of columns */
	int32_t *shift;      /* what the zero point of x takes from a column's sums */
	float lo, hi;
};

static int64_t size_of(enum oqz_tile_type t) { return t == OQZ_TILE_BF16 ? 2 : 1; }
static int64_t columns_of(const struct oqz_tile_product *p) { return (p->n + 2 * SIDE - 1) / (2 * SIDE) * 2 * SIDE; }

/* Bytes of the largest block that divides a row; 0: none. */
static int64_t block_of(int64_t row)
{
	for (int64_t b = WIDTH; b >= LEAST; b -= WORD)
		if (row % b == 0)
			return b;
	return 0;
}

bool oqz_tile_takes(enum oqz_tile_type type, int64_t k)
{
	return k > 0 && k <= INT32_MAX / WORD && block_of(k * size_of(type)) > 0;
}

void oqz_tile_product_free(struct oqz_tile_product *p)
{
	if (p) {
		oqz_pages_release(p->weights);
		free(p->bias);
		free(p->scale);
		free(p->shift);
	}
	free(p);
}
OQZ_DEFINE_CLEANUP(struct oqz_tile_product, oqz_tile_product_free)

size_t oqz_tile_product_bytes(const struct oqz_tile_product *p) { return p->bytes; }

/* Words of WORD bytes: what is multiplied together of one column. `size` is a constant where this is used. */
static inline __attribute__((always_inline)) void pack(struct oqz_tile_product *p, const struct oqz_tile_spec *s,
                                                       int64_t size)
{
	int64_t per_word = WORD / size, words = p->k / per_word;
	const uint8_t *from = s->weights;
	uint8_t *to = p->weights;

	for (int64_t first = 0; first < p->n; first += SIDE)
		for (int64_t word = 0; word < words; word++, to += SIDE * WORD)
			for (int64_t j = 0; j < SIDE && first + j < p->n; j++) {
				int64_t at = (first + j) * s->stride_n + word * per_word * s->stride_k;
				for (int64_t k = 0; k < per_word; k++, at += s->stride_k)
					memcpy(to + j * WORD + k * size, from + at * size, (size_t)size);
			}
}

static void pack_columns(struct oqz_tile_product *p, const struct oqz_tile_spec *s)
{
	const int8_t *w = s->weights;

	for (int64_t n = 0; n < p->n; n++) {
		uint32_t sum = 0; /* modulo 2^32, as the products are summed */
		for (int64_t k = 0; k < p->k && s->zero; k++)
			sum += (uint32_t)(int32_t)w[n * s->stride_n + k * s->stride_k];
		p->shift[n] = (int32_t)(0 - sum * (uint32_t)s->zero);
		p->bias[n] = s->bias ? s->bias[n] : 0;
		p->scale[n] = s->scale ? s->scale[n] : 1;
	}
}

enum oqz_status oqz_tile_product_new(const struct oqz_tile_spec *s, struct oqz_tile_product **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_tile_product_free_cleanup) struct oqz_tile_product *p = calloc(1, sizeof *p);
	size_t columns;

	if (!oqz_tile_usable() || !oqz_tile_takes(s->type, s->k))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "no tile instructions, or %lld columns", (long long)s->k);
	if (!p)
		return oqz_err_nomem(err, "a matrix product", sizeof *p);
	p->type = s->type;
	p->k = s->k;
	p->n = s->n;
	p->block = block_of(s->k * size_of(s->type));
	p->blocks = s->k * size_of(s->type) / p->block;
	p->lo = s->lo;
	p->hi = s->hi;
	columns = (size_t)columns_of(p);
	if (!oqz_size_mul(columns, (size_t)(s->k * size_of(s->type)), &p->bytes) ||
	    !(p->weights = oqz_pages_share(p->bytes)))
		return oqz_err_nomem(err, "packed weights", columns);
	p->bias = oqz_pages_alloc(columns * sizeof *p->bias);
	p->scale = oqz_pages_alloc(columns * sizeof *p->scale);
	p->shift = oqz_pages_alloc(columns * sizeof *p->shift);
	if (!p->bias || !p->scale || !p->shift)
		return oqz_err_nomem(err, "a matrix product", columns * sizeof *p->bias);
	if (p->type == OQZ_TILE_BF16)
		pack(p, s, 2);
	else
		pack(p, s, 1);
	pack_columns(p, s);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

#ifdef OQZ_TILES

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES __attribute__((target("arch=x86-64-v4,amx-tile,amx-int8,amx-bf16")))
#define INLINE static inline __attribute__((always_inline)) TILES

static bool usable;

/* Linux keeps room for the tiles of a process that asks for it. Compilers do not know these instructions by name when
 * the program runs, so the processor is asked itself. */
static void ask(void)
{
	enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
	enum { BF16 = 1 << 22, TILE = 1 << 24, INT8 = 1 << 25, ALL = BF16 | TILE | INT8 }; /* of leaf 7, EDX */
	unsigned a, b, c, d;

	usable = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & ALL) == ALL && __builtin_cpu_supports("avx512bw") &&
	         __builtin_cpu_supports("avx512vl") && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

bool oqz_tile_usable(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask);
	return usable;
}

/* What the tiles are: 0 to 3 sums, 4 and 5 of x, 6 and 7 of weights. The layout is the instruction's. */
struct shapes {
	uint8_t palette, start_row, reserved[14];
	uint16_t bytes[16]; /* of a row */
	uint8_t rows[16];
};

INLINE void set_shapes(const struct oqz_tile_product *p)
{
	struct shapes s = { .palette = 1 };

	for (int i = 0; i < 8; i++) {
		s.rows[i] = i < 6 ? SIDE : (uint8_t)(p->block / WORD);
		s.bytes[i] = i == 4 || i == 5 ? (uint16_t)p->block : SIDE * WORD;
	}
	_tile_loadconfig(&s);
}

/* Tiles are named by constants. */
#define MULTIPLY(type, sum, x, w)                  \
	do {                                       \
		if ((type) == OQZ_TILE_BF16)       \
			_tile_dpbf16ps(sum, x, w); \
		else if ((type) == OQZ_TILE_S8)    \
			_tile_dpbssd(sum, x, w);   \
		else                               \
			_tile_dpbusd(sum, x, w);   \
	} while (0)

/* Sums of one or two tiles of rows, at x[0] and x[1], by one or two of columns. */
INLINE void multiply(const struct oqz_tile_product *p, enum oqz_tile_type type, const uint8_t *const x[2], int rows,
                     const uint8_t *w, int columns, float sums[4][SIDE * SIDE])
{
	const uint8_t *x0 = x[0], *x1 = x[1], *w0 = w, *w1 = w + p->blocks * p->block * SIDE;
	int64_t row = p->blocks * p->block;

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (int64_t b = 0; b < p->blocks; b++) {
		_tile_loadd(4, x0, row);
		_tile_loadd(6, w0, WIDTH);
		MULTIPLY(type, 0, 4, 6);
		if (columns > 1) {
			_tile_loadd(7, w1, WIDTH);
			MULTIPLY(type, 1, 4, 7);
		}
		if (rows > 1) {
			_tile_loadd(5, x1, row);
			MULTIPLY(type, 2, 5, 6);
		}
		if (rows > 1 && columns > 1)
			MULTIPLY(type, 3, 5, 7);
		x0 += p->block;
		x1 += p->block;
		w0 += p->block * SIDE;
		w1 += p->block * SIDE;
	}
	_tile_stored(0, sums[0], WIDTH);
	_tile_stored(1, sums[1], WIDTH);
	_tile_stored(2, sums[2], WIDTH);
	_tile_stored(3, sums[3], WIDTH);
}

/* What is done to the sums of one tile's columns. */
struct finish {
	__m512 bias, scale, lo, hi;
	__m512i shift;
	__mmask16 there; /* of the columns */
};

INLINE struct finish finish_of(const struct oqz_tile_product *p, int64_t n)
{
	int64_t left = p->n - n;

	return (struct finish) {
		.bias = _mm512_load_ps(p->bias + n),
		.scale = _mm512_load_ps(p->scale + n),
		.shift = _mm512_load_si512(p->shift + n),
		.lo = _mm512_set1_ps(p->lo),
		.hi = _mm512_set1_ps(p->hi),
		.there = left >= SIDE ? 0xffff
		         : left > 0   ? (__mmask16)((1U << left) - 1)
		                      : 0,
	};
}

/* One tile of sums becomes outputs. The operand order of the clamp lets NaN pass. */
INLINE void finish_tile(enum oqz_tile_type type, const struct finish *f, const float *sums, float *y, int64_t row)
{
	for (int i = 0; i < SIDE; i++, sums += SIDE, y += row) {
		__m512 v = type == OQZ_TILE_BF16
		               ? _mm512_load_ps(sums)
		               : _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_load_si512(sums), f->shift));
		v = _mm512_mul_ps(_mm512_add_ps(v, f->bias), f->scale);
		v = _mm512_min_ps(f->hi, _mm512_max_ps(f->lo, v));
		_mm512_mask_storeu_ps(y, f->there, v);
	}
}

/* Lines that will be written are on their way while the products are made. */
INLINE void fetch(float *y, int64_t row, int columns)
{
	for (int i = 0; i < SIDE; i++, y += row) {
		__builtin_prefetch(y, 1);
		if (columns > 1)
			__builtin_prefetch(y + SIDE, 1);
	}
}

INLINE void block_of_rows(const struct oqz_tile_product *p, enum oqz_tile_type type, const uint8_t *x, int64_t n,
                          const struct finish f[2], float *y, const int64_t at[2], int rows, int columns)
{
	int64_t row = p->blocks * p->block;
	float sums[4][SIDE * SIDE] __attribute__((aligned(64)));
	const uint8_t *const from[2] = { x + at[0] * row, x + at[1] * row };

	for (int i = 0; i < rows; i++)
		fetch(y + at[i] * p->n + n, p->n, columns);
	multiply(p, type, from, rows, p->weights + n * row, columns, sums);
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++)
			finish_tile(type, &f[j], sums[2 * i + j], y + at[i] * p->n + n + j * SIDE, p->n);
}

/* Rows [first, end) by the columns from n on. */
INLINE void two_columns(const struct oqz_tile_product *p, enum oqz_tile_type type, const uint8_t *x, int64_t m,
                        int64_t first, int64_t end, int64_t n, float *y)
{
	struct finish f[2] = { finish_of(p, n), finish_of(p, n + SIDE) };
	int columns = n + SIDE < p->n ? 2 : 1;

	for (int64_t i = first; i < end; i += 2 * SIDE) {
		int64_t at[2] = { i + SIDE <= m ? i : m - SIDE, i + 2 * SIDE <= m ? i + SIDE : m - SIDE };
		if (i + SIDE >= m)
			block_of_rows(p, type, x, n, f, y, at, 1, columns);
		else if (columns == 2)
			block_of_rows(p, type, x, n, f, y, at, 2, 2);
		else
			block_of_rows(p, type, x, n, f, y, at, 2, 1);
	}
}

INLINE void run(const struct oqz_tile_product *p, enum oqz_tile_type type, const uint8_t *x, int64_t m, float *y)
{
	int64_t fit = CACHED / (p->blocks * p->block) / (2 * SIDE), rows = (fit ? fit : 1) * 2 * SIDE;

	set_shapes(p);
	for (int64_t i = 0; i < m; i += rows)
		for (int64_t n = 0; n < p->n; n += 2 * SIDE)
			two_columns(p, type, x, m, i, i + rows < m ? i + rows : m, n, y);
	_tile_release();
}

TILES void oqz_tile_product_run(const struct oqz_tile_product *p, const void *x, int64_t m, float *y)
{
	if (p->type == OQZ_TILE_BF16)
		run(p, OQZ_TILE_BF16, x, m, y);
	else if (p->type == OQZ_TILE_S8)
		run(p, OQZ_TILE_S8, x, m, y);
	else
		run(p, OQZ_TILE_U8, x, m, y);
}

#else

bool oqz_tile_usable(void) { return false; }

/* There is no product to call it with. */
void oqz_tile_product_run(const struct oqz_tile_product *p, const void *x, int64_t m, float *y)
{
	(void)p;
	(void)x;
	(void)m;
	(void)y;
	__builtin_unreachable();
}

#endif
