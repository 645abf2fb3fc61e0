/* SPDX-License-Identifier: Apache-2.0
 *
 * What several tasks do alike: reading lists, taking a part of a data set, finding an output, little-endian records.
 * It is source, not a library: every task compiles its own copy, so that a plugin stays one file without dependencies.
 */
#ifndef OQZ_TASKS_COMMON_H
#define OQZ_TASKS_COMMON_H

#include <oqz/task.h>
#include <string.h>

/* ".jpg", ".png", ...; NULL-terminated. */
extern const char *const common_image_suffixes[];

/* The rows of a data set's parameters that struct common_subset is read from; `what` is counted ("images"). */
#define COMMON_SUBSET_PARAMS COMMON_SUBSET_PARAMS_OF("images")
#define COMMON_SUBSET_PARAMS_OF(what)                                                                       \
	{ .name = "skip",                                                                                   \
	  .type = OQZ_P_INT,                                                                                \
	  .dflt = "0",                                                                                      \
	  .min = 0,                                                                                         \
	  .max = 1e9,                                                                                       \
	  .unit = (what),                                                                                   \
	  .help = "leave out that many at the start" },                                                     \
	    { .name = "stride",                                                                             \
	      .type = OQZ_P_INT,                                                                            \
	      .dflt = "1",                                                                                  \
	      .min = 1,                                                                                     \
	      .max = 1e9,                                                                                   \
	      .unit = (what),                                                                               \
	      .help = "then take every stride-th" },                                                        \
	{                                                                                                   \
		.name = "take_first", .type = OQZ_P_INT, .dflt = "0", .min = 0, .max = 1e9, .unit = (what), \
		.help = "and stop after that many; 0: no limit"                                             \
	}

struct common_subset {
	int64_t skip, stride, take; /* take 0: all */
	int64_t seen, taken;
};
struct common_subset common_subset_of(const struct oqz_host *h, const struct oqz_params *dataset);
/* Whether the next item of the data set belongs to the part. */
bool common_subset_takes(struct common_subset *s);

/* Strings from host->alloc, or NULL with a failure recorded. */
char *common_copy(const struct oqz_host *h, const char *s, size_t n, struct oqz_failure *f);
/* "root/relative"; an absolute `relative` stays as it is. */
char *common_join(const struct oqz_host *h, const char *root, const char *relative, struct oqz_failure *f);

/* Adds an item whose image lies at root/relative. */
enum oqz_status common_add_item(const struct oqz_task_host *host, void *sink, const char *root, const char *relative,
                                struct oqz_item *item, struct oqz_failure *f);

/* A list of strings that grows; all-zero is empty. */
struct common_list {
	char **v;
	size_t n, cap;
};
/* Takes `s` over, also on failure. NULL (a failure that is already recorded) is passed on. */
enum oqz_status common_list_add(const struct oqz_host *h, struct common_list *l, char *s, struct oqz_failure *f);
void common_list_release(const struct oqz_host *h, struct common_list *l);
/* Collects host->walk()'s paths. */
enum oqz_status common_walk(const struct oqz_host *h, const char *root, const char *const *suffixes,
                            struct common_list *ret, struct oqz_failure *f);

/* A text file; *ret is freed with free_mem, *ret_at is its first character behind a byte order mark. NUL bytes are an
 * error. */
enum oqz_status common_read_text(const struct oqz_host *h, const char *path, char **ret, char **ret_at,
                                 struct oqz_failure *f);
/* The next line of *at without its newline, NUL-terminated in place; NULL at the end. A carriage return in front of the
 * newline stays. */
char *common_next_line(char **at);
/* Takes a carriage return off the line's end. */
void common_drop_cr(char *line);

/* Fails because no output has the name; says which there are. */
enum oqz_status common_no_output(const struct oqz_host *h, const char *name, const struct oqz_output *outputs, size_t n,
                                 struct oqz_failure *f);
/* The output of that name, or the only one when the name is "". `what` says what it holds. NULL: failure recorded. */
const struct oqz_output *common_output(const struct oqz_host *h, const char *name, const char *what,
                                       const struct oqz_output *outputs, size_t n, struct oqz_failure *f);

/* Returns what fails. */
#define TRY(call)                              \
	do {                                   \
		enum oqz_status try_ = (call); \
		if (try_ != OQZ_OK)            \
			return try_;           \
	} while (0)

static inline void put_u32(unsigned char *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(x >> 8 * i);
}

static inline uint32_t get_u32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_f32(unsigned char *p, float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	put_u32(p, bits);
}

static inline float get_f32(const unsigned char *p)
{
	uint32_t bits = get_u32(p);
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static inline void put_u64(unsigned char *p, uint64_t x)
{
	put_u32(p, (uint32_t)x);
	put_u32(p + 4, (uint32_t)(x >> 32));
}

static inline uint64_t get_u64(const unsigned char *p) { return get_u32(p) | (uint64_t)get_u32(p + 4) << 32; }

static inline void put_f64(unsigned char *p, double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	put_u64(p, bits);
}

static inline double get_f64(const unsigned char *p)
{
	uint64_t bits = get_u64(p);
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

#endif
