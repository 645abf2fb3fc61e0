/* SPDX-License-Identifier: Apache-2.0
 *
 * The service table. Most rows are the core's own functions; the rest translate between a plugin's view (struct
 * oqz_failure, one host pointer) and the core's (struct oqz_err).
 */
#include "plugins/host.h"
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/image/image.h"
#include "core/tensor/npy.h"
#include "plugins/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Annotations of COCO's training set are 450 MB of JSON; nothing that a task reads whole is much larger. */
#define FILE_LIMIT ((size_t)2 << 30)

enum oqz_status oqz_host_fail(struct oqz_failure *f, enum oqz_status code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	oqz_err_vset(f ? f->err : NULL, code, fmt, ap);
	va_end(ap);
	return code;
}

static void host_log(const struct oqz_host *host, enum oqz_log_level level, const char *fmt, ...)
{
	const struct oqz_plugin_host *h = (const struct oqz_plugin_host *)host;
	char line[1000];
	va_list ap;

	if (!h->log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (char *s = line; *s; s++)
		if (*s == '\n' || *s == '\r')
			*s = ' ';
	h->log(h->log_ctx, level, line);
}

static _Thread_local struct {
	oqz_host_reads_fn *fn;
	void *ctx;
} reads;

void oqz_host_watch_reads(oqz_host_reads_fn *fn, void *ctx)
{
	reads.fn = fn;
	reads.ctx = ctx;
}

static void tell_of(const char *path)
{
	if (reads.fn)
		reads.fn(reads.ctx, path);
}

static enum oqz_status host_read_file(const char *path, char **ret, size_t *ret_size, struct oqz_failure *f)
{
	tell_of(path);
	return oqz_file_read(path, FILE_LIMIT, ret, ret_size, f ? f->err : NULL);
}

static enum oqz_status host_walk(const char *root, const char *const *suffixes,
                                 enum oqz_status (*each)(void *ctx, const char *relative_path), void *ctx,
                                 struct oqz_failure *f)
{
	return oqz_walk(root, suffixes, each, ctx, f ? f->err : NULL);
}

static enum oqz_status host_list_dirs(const char *root, enum oqz_status (*each)(void *ctx, const char *name), void *ctx,
                                      struct oqz_failure *f)
{
	return oqz_list_dirs(root, each, ctx, f ? f->err : NULL);
}

enum oqz_status oqz_host_load_image(const char *path, uint32_t mode, struct oqz_picture *ret, struct oqz_failure *f)
{
	struct oqz_err *err = f ? f->err : NULL;
	struct oqz_image img = { 0 };

	if (mode != OQZ_PICTURE_RGB && mode != OQZ_PICTURE_CODES)
		OQZ_FAIL(err, OQZ_E_USAGE, "load_image: %" PRIu32 " is no mode", mode);
	tell_of(path);
	enum oqz_status st =
	    oqz_image_load(path, mode == OQZ_PICTURE_RGB ? OQZ_IMAGE_RGB : OQZ_IMAGE_CODES, NULL, &img, err);
	if (st == OQZ_OK)
		*ret = (struct oqz_picture) { img.data, img.width, img.height, img.channels };
	else
		oqz_image_release(&img);
	return st;
}

enum oqz_status oqz_host_load_array(const char *path, struct oqz_view *ret, struct oqz_failure *f)
{
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_npy_read(path, &t, f ? f->err : NULL));
	size_t bytes = oqz_tensor_bytes(&t);
	void *copy = malloc(bytes + 1); /* a tensor's memory has a counter in front and is no plain pointer to free */
	if (copy) {
		memcpy(copy, t.data, bytes);
		*ret = (struct oqz_view) { t.dtype, t.shape, copy };
	}
	oqz_tensor_release(&t);
	return copy ? OQZ_OK : oqz_err_nomem(f ? f->err : NULL, path, bytes);
}

static void *host_alloc(size_t size) { return calloc(1, size ? size : 1); }

void oqz_plugin_host_init(struct oqz_plugin_host *h, oqz_plugin_log_fn *log, void *log_ctx)
{
	*h = (struct oqz_plugin_host){
		.table = {
			.struct_size = sizeof h->table,
			.api_major = OQZ_API_MAJOR,
			.api_minor = OQZ_API_MINOR,
			.fail = oqz_host_fail,
			.log = host_log,
			.param_bool = oqz_params_bool,
			.param_int = oqz_params_int,
			.param_float = oqz_params_float,
			.param_string = oqz_params_string,
			.param_ints = oqz_params_ints,
			.param_floats = oqz_params_floats,
			.param_strings = oqz_params_strings,
			.read_file = host_read_file,
			.walk = host_walk,
			.alloc = host_alloc,
			.free_mem = free,
			.list_dirs = host_list_dirs,
			.load_image = oqz_host_load_image,
			.load_array = oqz_host_load_array,
		},
		.log = log,
		.log_ctx = log_ctx,
	};
}

enum oqz_status oqz_plugin_failed(const char *name, const char *callback, enum oqz_status st, struct oqz_err *err)
{
	if (st > OQZ_OK || st < OQZ_E_AGAIN)
		return oqz_err_set(err, OQZ_E_PLUGIN, "%s: %s() returned %d, which is no status", name, callback,
		                   (int)st);
	if (!err)
		return st;
	if (!err->msg[0])
		return oqz_err_set(err, OQZ_E_PLUGIN, "%s: %s() failed (%s) without saying why", name, callback,
		                   oqz_status_name(st));
	oqz_err_prefix(err, "%s", name);
	return err->code = st;
}
