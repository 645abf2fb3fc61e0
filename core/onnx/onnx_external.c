/* SPDX-License-Identifier: Apache-2.0
 *
 * External tensor data: files that a model names must lie in the model's folder. The location is refused by its text
 * when it is absolute or climbs; what symbolic links make of it is checked on the resolved path, so that a link may
 * rename a file inside the folder but not lead out of it.
 */
#include "core/onnx/onnx_impl.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum oqz_status parse_number(const Onnx__StringStringEntryProto *e, int64_t *ret, struct oqz_err *err)
{
	long long v;

	if (!e->value || !oqz_parse_i64(e->value, &v) || v < 0)
		OQZ_FAIL(err, OQZ_E_DATA, "external data: %s '%s' is not a size", e->key, e->value ? e->value : "");
	*ret = v;
	return OQZ_OK;
}

enum oqz_status oqz_external_parse(const Onnx__TensorProto *p, struct oqz_external *ret, struct oqz_err *err)
{
	struct oqz_external x = { .length = -1 };

	for (size_t i = 0; i < p->n_external_data; i++) {
		const Onnx__StringStringEntryProto *e = p->external_data[i];
		const char *key = e->key ? e->key : "";
		if (strcmp(key, "location") == 0)
			x.location = e->value;
		else if (strcmp(key, "offset") == 0)
			OQZ_TRY(parse_number(e, &x.offset, err));
		else if (strcmp(key, "length") == 0)
			OQZ_TRY(parse_number(e, &x.length, err));
	}
	if (!x.location || !*x.location)
		OQZ_FAIL(err, OQZ_E_DATA, "external data without a location");
	*ret = x;
	return OQZ_OK;
}

/* Relative, and no component is "..". */
static bool stays_below(const char *location)
{
	if (*location == '/')
		return false;
	for (const char *s = location; s; s = strchr(s, '/')) {
		s += *s == '/';
		if (s[0] == '.' && s[1] == '.' && (s[2] == '/' || s[2] == 0))
			return false;
	}
	return true;
}

/* The path without symbolic links, when it is inside the folder. */
static enum oqz_status resolve(const struct oqz_onnx_file *f, const char *location, char **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_str_release) struct oqz_str joined = { 0 };
	OQZ_CLEANUP_FREE char *dir = realpath(*f->dir ? f->dir : ".", NULL);

	oqz_str_addf(&joined, "%s/%s", dir ? dir : "", location);
	if (!oqz_str_ok(&joined))
		return oqz_err_nomem(err, location, 0);
	OQZ_CLEANUP_FREE char *path = dir ? realpath(joined.s, NULL) : NULL;
	if (!path)
		return oqz_err_errno(err, errno, joined.s);
	size_t n = strlen(dir);
	if (strncmp(path, dir, n) != 0 || (path[n] != '/' && n > 1))
		OQZ_FAIL(err, OQZ_E_DATA, "external data '%s' leads out of the model's folder", location);
	*ret = oqz_steal(path);
	return OQZ_OK;
}

/* A model's tensors mostly lie in one file, or each in its own one behind the other. */
static bool note_path(struct oqz_onnx_paths *p, const char *path)
{
	for (size_t i = p->v.n; i-- > 0;)
		if (strcmp(p->v.v[i], path) == 0)
			return true;
	const char *copy = oqz_arena_strdup(p->arena, path);
	return copy && oqz_vec_push(&p->v, copy);
}

enum oqz_status oqz_external_open(const struct oqz_onnx_file *f, const struct oqz_external *x, size_t need, int *ret_fd,
                                  struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *path = NULL;
	struct stat st;

	if (!f->dir)
		OQZ_FAIL(err, OQZ_E_DATA, "external data '%s' of a model that does not come from a file", x->location);
	if (!stays_below(x->location))
		OQZ_FAIL(err, OQZ_E_DATA, "external data '%s' lies outside the model's folder", x->location);
	if (x->length >= 0 && (uint64_t)x->length != need)
		OQZ_FAIL(err, OQZ_E_DATA, "external data '%s': %lld bytes where the shape needs %zu", x->location,
		         (long long)x->length, need);
	OQZ_TRY(resolve(f, x->location, &path, err));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return oqz_err_errno(err, errno, path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || x->offset > st.st_size ||
	    need > (uint64_t)(st.st_size - x->offset)) {
		close(fd);
		OQZ_FAIL(err, OQZ_E_DATA, "external data '%s' does not have %zu bytes at offset %lld", x->location,
		         need, (long long)x->offset);
	}
	if (f->opened && !note_path(f->opened, path)) {
		close(fd);
		return oqz_err_nomem(err, path, 1);
	}
	*ret_fd = fd;
	return OQZ_OK;
}

enum oqz_status oqz_external_read(int fd, int64_t offset, void *out, size_t n, struct oqz_err *err)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = pread(fd, (char *)out + at, n - at, offset + (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			OQZ_FAIL(err, OQZ_E_IO, "external data: %s", got ? strerror(errno) : "the file became shorter");
		at += (size_t)got;
	}
	return OQZ_OK;
}
