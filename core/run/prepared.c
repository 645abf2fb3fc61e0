/* SPDX-License-Identifier: Apache-2.0
 *
 * See prepared.h. An entry is a file of its own, named by its key: a header and the float32 numbers as they lie in
 * memory (of this machine only). It is written beside its place and renamed, without waiting for the disk: the header
 * holds a hash of the rest, so that a torn file is merely a miss.
 */
#include "core/run/prepared.h"
#include "core/base/file.h"
#include "core/tensor/tensor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct header {
	char magic[8];
	uint64_t hash; /* of what follows it: the rest of the header, the numbers */
	struct oqz_shape shape;
	struct oqz_geometry geometry;
};

static const char magic[8] = "oqzprep2";

struct oqz_prepared {
	char *dir;
	int64_t limit;
	atomic_int_least64_t bytes, found, made;
	pthread_mutex_t lock; /* of what follows */
	const struct oqz_prepare *steps;
	struct oqz_str canonical; /* of `steps` */
};

static int64_t bytes_in(const char *dir)
{
	DIR *d = opendir(dir);
	int64_t sum = 0;
	struct stat st;

	for (struct dirent *e; d && (e = readdir(d));)
		if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			sum += st.st_size;
	if (d)
		closedir(d);
	return sum;
}

enum oqz_status oqz_prepared_open(const char *dir, int64_t limit, struct oqz_prepared **ret, struct oqz_err *err)
{
	*ret = NULL;
	if (limit <= 0)
		return OQZ_OK;
	OQZ_TRY(oqz_mkdirs(dir, err));
	struct oqz_prepared *c = calloc(1, sizeof *c);
	if (!c || !(c->dir = strdup(dir))) {
		free(c);
		return oqz_err_nomem(err, dir, sizeof *c);
	}
	c->limit = limit;
	pthread_mutex_init(&c->lock, NULL);
	atomic_store(&c->bytes, bytes_in(dir));
	*ret = c;
	return OQZ_OK;
}

void oqz_prepared_close(struct oqz_prepared *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	oqz_str_release(&c->canonical);
	free(c->dir);
	free(c);
}

void oqz_prepared_counts(const struct oqz_prepared *c, int64_t *ret_found, int64_t *ret_made)
{
	*ret_found = c ? atomic_load(&c->found) : 0;
	*ret_made = c ? atomic_load(&c->made) : 0;
}

/* The path of an entry. False: the image has no identity (it cannot be read), or memory is out. */
static bool path_of(struct oqz_prepared *c, const struct oqz_prepare *p, struct oqz_digests *digests, const char *image,
                    const double *box, struct oqz_str *ret)
{
	char digest[OQZ_DIGEST], hex[65];
	struct oqz_sha256 h;

	oqz_digests_file(digests, image, digest);
	if (digest[0] == '-')
		return false;
	oqz_sha256_init(&h);
	oqz_sha256_add(&h, PACKAGE_VERSION, sizeof PACKAGE_VERSION);
	pthread_mutex_lock(&c->lock);
	if (c->steps != p) {
		oqz_str_clear(&c->canonical);
		oqz_prepare_canonical(p, &c->canonical);
		c->steps = p;
	}
	bool ok = oqz_str_ok(&c->canonical);
	oqz_sha256_add(&h, oqz_str_get(&c->canonical), c->canonical.len + 1);
	pthread_mutex_unlock(&c->lock);
	oqz_sha256_add(&h, digest, sizeof digest);
	if (box)
		oqz_sha256_add(&h, box, 4 * sizeof *box);
	oqz_sha256_hex(&h, hex);
	oqz_str_addf(ret, "%s/%.40s", c->dir, hex);
	return ok && oqz_str_ok(ret);
}

static uint64_t hash_of(const struct header *h, const void *numbers, size_t bytes)
{
	const size_t skip = offsetof(struct header, shape);
	const uint64_t parts[] = { oqz_hash64((const char *)h + skip, sizeof *h - skip),
		                   oqz_hash64_bulk(numbers, bytes) };

	return oqz_hash64(parts, sizeof parts);
}

/* True: *ret and *ret_geometry are what the file holds, in memory of *hold. */
static bool get(const char *path, char **hold, struct oqz_view *ret, struct oqz_geometry *ret_geometry)
{
	struct header h;
	size_t size;
	int64_t n;

	free(*hold);
	*hold = NULL;
	if (oqz_file_read(path, SIZE_MAX / 2, hold, &size, NULL) != OQZ_OK || size < sizeof h)
		return false;
	memcpy(&h, *hold, sizeof h);
	float *numbers = (float *)(*hold + sizeof h);
	size_t bytes = size - sizeof h;
	if (memcmp(h.magic, magic, sizeof magic) != 0 || h.hash != hash_of(&h, numbers, bytes) ||
	    oqz_shape_count(&h.shape, &n, NULL) != OQZ_OK || (uint64_t)n > SIZE_MAX / sizeof *numbers ||
	    bytes != (size_t)n * sizeof *numbers)
		return false;
	*ret = (struct oqz_view) { .dtype = OQZ_DT_F32, .shape = h.shape, .data = numbers };
	*ret_geometry = h.geometry;
	return true;
}

static bool write_entry(const char *path, const struct header *h, const void *numbers, size_t bytes)
{
	OQZ_CLEANUP(oqz_str_release) struct oqz_str tmp = { 0 };

	oqz_str_addf(&tmp, "%s.%ld.%lx", path, (long)getpid(), (unsigned long)pthread_self());
	FILE *f = oqz_str_ok(&tmp) ? fopen(tmp.s, "wbe") : NULL;
	if (!f)
		return false;
	bool ok = fwrite(h, sizeof *h, 1, f) == 1 && fwrite(numbers, 1, bytes, f) == bytes;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(tmp.s, path) == 0;
	if (!ok)
		unlink(tmp.s);
	return ok;
}

static void put(struct oqz_prepared *c, const char *path, const struct oqz_view *v, const struct oqz_geometry *g)
{
	size_t bytes = (size_t)oqz_shape_nelem(&v->shape) * sizeof(float);
	int64_t total = (int64_t)(bytes + sizeof(struct header));
	struct header h;

	if (v->dtype != OQZ_DT_F32 || atomic_fetch_add(&c->bytes, total) + total > c->limit) {
		atomic_fetch_sub(&c->bytes, total);
		return;
	}
	memset(&h, 0, sizeof h); /* padding is hashed, too */
	memcpy(h.magic, magic, sizeof magic);
	h.shape.rank = v->shape.rank;
	memcpy(h.shape.dim, v->shape.dim, sizeof h.shape.dim[0] * (size_t)v->shape.rank);
	h.geometry = *g;
	h.hash = hash_of(&h, v->data, bytes);
	if (write_entry(path, &h, v->data, bytes))
		atomic_fetch_add(&c->made, 1);
	else
		atomic_fetch_sub(&c->bytes, total);
}

enum oqz_status oqz_prepared_run(struct oqz_prepared *c, const struct oqz_prepare *p, struct oqz_preparer *w,
                                 struct oqz_digests *digests, const char *image, const double *box, char **hold,
                                 struct oqz_view *ret, struct oqz_geometry *ret_geometry, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_str_release) struct oqz_str path = { 0 };
	bool keyed = c && digests && image && path_of(c, p, digests, image, box, &path);

	if (keyed && get(path.s, hold, ret, ret_geometry)) {
		atomic_fetch_add(&c->found, 1);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_preparer_run(w, image, box, ret, ret_geometry, err));
	if (keyed)
		put(c, path.s, ret, ret_geometry);
	return OQZ_OK;
}
