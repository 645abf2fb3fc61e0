/* SPDX-License-Identifier: Apache-2.0
 *
 * The harness itself; see support.h.
 */
#include "tests/support/support.h"
#include "core/base/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int oqz_test_run(const char *suite, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(suite);
	TCase *tc = tcase_create(suite);

	tcase_set_timeout(tc, 600);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}

static const char *shared_root(void)
{
	const char *root = getenv("OQZ_SHARED");

	return root && root[0] ? root : "../shared";
}

const char *shared_path(const char *fmt, ...)
{
	static char ring[16][1024];
	static unsigned turn;
	char *buf = ring[turn++ % OQZ_COUNTOF(ring)];
	va_list ap;

	int n = snprintf(buf, sizeof ring[0], "%s/", shared_root());
	va_start(ap, fmt);
	vsnprintf(buf + n, sizeof ring[0] - (size_t)n, fmt, ap);
	va_end(ap);
	return access(buf, R_OK) == 0 ? buf : NULL;
}

void shared_require(const char *relative)
{
	if (shared_path("%s", relative))
		return;
	printf("skipped: %s/%s is not here\n", shared_root(), relative);
	exit(77);
}

const char *test_tmpdir(const char *name)
{
	static char dir[512];
	struct oqz_err err;
	const char *base = getenv("top_builddir");

	snprintf(dir, sizeof dir, "%s/tests/tmp/%s.%d", base ? base : ".", name, (int)getpid());
	ck_assert_msg(oqz_mkdirs(dir, &err) == OQZ_OK, "%s", err.msg);
	return dir;
}

bool golden_open(struct golden *g, const char *relative_stem)
{
	struct oqz_err err;
	json_error_t jerr;
	const char *json = shared_path("golden/%s.json", relative_stem),
	           *bin = shared_path("golden/%s.bin", relative_stem);

	memset(g, 0, sizeof *g);
	if (!json || !bin) {
		printf("skipped: golden/%s is not here\n", relative_stem);
		return false;
	}
	g->json = json_load_file(json, 0, &jerr);
	ck_assert_msg(g->json != NULL, "%s: %s", json, jerr.text);
	ck_assert_msg(oqz_file_read(bin, SIZE_MAX / 2, &g->bin, &g->size, &err) == OQZ_OK, "%s", err.msg);
	return true;
}

void golden_close(struct golden *g)
{
	json_decref(g->json);
	free(g->bin);
	memset(g, 0, sizeof *g);
}

struct oqz_tensor golden_array(const struct golden *g, const char *name)
{
	json_t *a = json_object_get(json_object_get(g->json, "arrays"), name);
	ck_assert_msg(a != NULL, "no golden array %s", name);
	json_t *shape = json_object_get(a, "shape");
	struct oqz_tensor t = { .dtype = oqz_dtype_by_name(json_string_value(json_object_get(a, "dtype"))) };

	ck_assert_msg(t.dtype != OQZ_DT_UNDEFINED, "golden array %s has an unknown type", name);
	t.shape.rank = (int)json_array_size(shape);
	for (int i = 0; i < t.shape.rank; i++)
		t.shape.dim[i] = json_integer_value(json_array_get(shape, (size_t)i));
	size_t off = (size_t)json_integer_value(json_object_get(a, "offset"));
	ck_assert_msg(off + oqz_tensor_bytes(&t) <= g->size, "golden array %s lies outside the file", name);
	t.data = g->bin + off;
	return t;
}

double max_abs_diff(const float *a, const float *b, size_t n, size_t *where)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - (double)b[i]);
		if (!(d <= worst)) {
			worst = d;
			if (where)
				*where = i;
		}
	}
	return worst;
}

uint32_t test_crc32(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c ^= s[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (0xedb88320u & -(c & 1));
	}
	return ~c;
}
