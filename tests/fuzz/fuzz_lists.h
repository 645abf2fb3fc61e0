/* SPDX-License-Identifier: Apache-2.0
 *
 * The text files that tasks read, through the task itself, whose sources are part of the target: the first byte says
 * which of the task's readers gets the rest. The bytes come as one file or, cut at the first 0xff, as two.
 */
#ifndef OQZ_TESTS_FUZZ_LISTS_H
#define OQZ_TESTS_FUZZ_LISTS_H

#include "tests/fuzz/fuzz.h"
#include <oqz/task.h>
#include "tests/unit/task_inside.h"

/* Writes both files; `format` has two %s, for their paths. */
static inline const char *fuzz_texts(const uint8_t *data, size_t size, const char *format, char *text, size_t text_size)
{
	const uint8_t *cut = size ? memchr(data, 0xff, size) : NULL;
	size_t n = cut ? (size_t)(cut - data) : size;
	const char *a = fuzz_file("a.txt", data, n),
	           *b = fuzz_file("b.txt", cut ? cut + 1 : data, cut ? size - n - 1 : 0);

	snprintf(text, text_size, format, a, b);
	return text;
}

/* Opens the task, lists its items, closes it. Items must be sound: the sink looks at all of each. */
static inline enum oqz_status fuzz_item(void *sink, const struct oqz_item *item, struct oqz_failure *f)
{
	(void)sink;
	(void)f;
	FUZZ_CHECK(item->id && item->id[0] && item->image);
	fuzz_sink += strlen(item->id) + strlen(item->image) + item->tag;
	return OQZ_OK;
}

static inline void fuzz_task(const char *params, const char *dataset)
{
	struct bench b;
	struct oqz_err err = { 0 };
	struct oqz_failure f = { &err };
	enum oqz_status st = bench_open(&b, params, dataset, &err);

	b.task_host.add_item = fuzz_item;
	if (st == OQZ_OK)
		st = b.plugin->items(b.self, NULL, &f);
	if (st != OQZ_OK)
		fuzz_refused(&err);
	else
		fuzz_accepted++;
	bench_close(&b);
}

#endif
