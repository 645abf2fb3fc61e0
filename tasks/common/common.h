/* SPDX-License-Identifier: Apache-2.0
 *
 * What several tasks do alike: strings, lists, text files, finding an output. Beside it life.h (open, close, judge),
 * items.h (a data set's items), bytes.h (numbers of records), pairs.h (two folders, paired by name). All of it is
 * source, not a library: every task compiles its own copy, so that a plugin stays one file without dependencies.
 */
#ifndef OQZ_TASKS_COMMON_H
#define OQZ_TASKS_COMMON_H

#include <oqz/task.h>
#include <string.h>

/* ".jpg", ".png", ...; NULL-terminated. */
extern const char *const common_image_suffixes[];

/* Strings from host->alloc, or NULL with a failure recorded. */
char *common_copy(const struct oqz_host *h, const char *s, size_t n, struct oqz_failure *f);
/* "root/relative"; an absolute `relative` stays as it is. */
char *common_join(const struct oqz_host *h, const char *root, const char *relative, struct oqz_failure *f);

/* Copies n bytes of UTF-8 to `ret`, which has `size` bytes (at least 4): whole, or a beginning of whole characters with an
 * ellipsis behind it. */
void common_fit(char *ret, size_t size, const char *s, size_t n);

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
/* Calls `each` for every line of a text file, numbered from 1, until it fails. */
enum oqz_status common_each_line(const struct oqz_host *h, const char *path,
                                 enum oqz_status (*each)(void *ctx, int number, char *line), void *ctx,
                                 struct oqz_failure *f);
/* Takes a carriage return off the line's end. */
void common_drop_cr(char *line);

/* Fails because no output has the name; says which there are. */
enum oqz_status common_no_output(const struct oqz_host *h, const char *name, const struct oqz_output *outputs, size_t n,
                                 struct oqz_failure *f);
/* The row of the parameter `output` that common_output() is given; `what` says what the output holds. */
#define COMMON_OUTPUT_PARAM(what)                                                     \
	{                                                                             \
		.name = "output", .type = OQZ_P_STRING, .dflt = "",                   \
		.help = "the model's output that holds " what "; empty: its only one" \
	}
/* The output of that name, or the only one when the name is "". `what` says what it holds. NULL: failure recorded. */
const struct oqz_output *common_output(const struct oqz_host *h, const char *name, const char *what,
                                       const struct oqz_output *outputs, size_t n, struct oqz_failure *f);

/* The bytes of a record of a fixed size whose first byte is its version; NULL when it is another: failure recorded. */
const unsigned char *common_record(const struct oqz_host *h, const struct oqz_record *from, size_t size, int version,
                                   struct oqz_failure *f);

/* Returns what fails. */
#define TRY(call)                              \
	do {                                   \
		enum oqz_status try_ = (call); \
		if (try_ != OQZ_OK)            \
			return try_;           \
	} while (0)

#endif
