/* SPDX-License-Identifier: Apache-2.0
 *
 * A table from stat() to digest. A file that was changed a moment ago is not remembered: a second change within the
 * granularity of the file system's clock would leave no trace in stat().
 */
#include "core/run/digests.h"
#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/base/vec.h"
#include "plugins/host.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char blob[] = "digests";
enum { KEY = 17, SETTLED_SECONDS = 2 };

struct known {
	char key[KEY], digest[OQZ_DIGEST];
};

struct oqz_digests {
	struct oqz_ledger *ledger;
	struct oqz_arena *arena;
	struct oqz_map map; /* key -> struct known */
	OQZ_VEC(struct known *) list;
	bool changed;
	pthread_mutex_t lock;
};

/* The lock is held, or there is one thread. */
static bool remember(struct oqz_digests *d, const char *key, const char *digest)
{
	struct known *k = OQZ_ARENA_NEW(d->arena, struct known);

	if (!k)
		return false;
	memcpy(k->key, key, KEY - 1);
	memcpy(k->digest, digest, OQZ_DIGEST - 1);
	return oqz_vec_push(&d->list, k) && oqz_map_set(&d->map, k->key, k);
}

enum oqz_status oqz_digests_new(struct oqz_ledger *l, struct oqz_digests **ret, struct oqz_err *err)
{
	struct oqz_digests *d = calloc(1, sizeof *d);
	OQZ_CLEANUP_FREE char *text = NULL;
	size_t size = 0;

	if (!d || !(d->arena = oqz_arena_new())) {
		free(d);
		return oqz_err_nomem(err, "digests", sizeof *d);
	}
	pthread_mutex_init(&d->lock, NULL);
	d->ledger = l;
	if (l && oqz_ledger_get_blob(l, blob, &text, &size, err) != OQZ_OK) {
		oqz_digests_free(d);
		return err->code;
	}
	/* "key digest\n": a line of another length ends it, what is not known is only hashed again */
	const size_t line = KEY + OQZ_DIGEST;
	for (size_t at = 0; at + line <= size && text[at + KEY - 1] == ' ' && text[at + line - 1] == '\n'; at += line) {
		if (!remember(d, text + at, text + at + KEY)) {
			oqz_digests_free(d);
			return oqz_err_nomem(err, "digests", size);
		}
	}
	*ret = d;
	return OQZ_OK;
}

void oqz_digests_free(struct oqz_digests *d)
{
	if (!d)
		return;
	oqz_map_release(&d->map);
	oqz_vec_release(&d->list);
	oqz_arena_free(d->arena);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

enum oqz_status oqz_digests_save(struct oqz_digests *d, struct oqz_err *err)
{
	struct oqz_str s = { 0 };

	if (!d->ledger || !d->changed)
		return OQZ_OK;
	for (size_t i = 0; i < d->list.n; i++)
		oqz_str_addf(&s, "%s %s\n", d->list.v[i]->key, d->list.v[i]->digest);
	enum oqz_status st = oqz_str_ok(&s) ? oqz_ledger_put_blob(d->ledger, blob, oqz_str_get(&s), s.len, err)
	                                    : oqz_err_nomem(err, "digests", s.len);
	oqz_str_release(&s);
	d->changed &= st != OQZ_OK;
	return st;
}

static void key_of(const struct stat *st, char key[KEY])
{
	const uint64_t facts[] = { (uint64_t)st->st_dev,          (uint64_t)st->st_ino,
		                   (uint64_t)st->st_size,         (uint64_t)st->st_mtim.tv_sec,
		                   (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
		                   (uint64_t)st->st_ctim.tv_nsec };

	snprintf(key, KEY, "%016" PRIx64, oqz_hash64(facts, sizeof facts));
}

/* Long enough ago, by this machine's clock. */
static bool settled(const struct stat *st)
{
	time_t now = time(NULL);

	return st->st_mtim.tv_sec + SETTLED_SECONDS < now && st->st_ctim.tv_sec + SETTLED_SECONDS < now;
}

void oqz_digests_file(struct oqz_digests *d, const char *path, char hex[OQZ_DIGEST])
{
	struct stat st;
	char key[KEY], full[65];

	memset(hex, '-', OQZ_DIGEST - 1);
	hex[OQZ_DIGEST - 1] = 0;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	key_of(&st, key);
	pthread_mutex_lock(&d->lock);
	const struct known *k = oqz_map_get(&d->map, key);
	if (k)
		memcpy(hex, k->digest, OQZ_DIGEST);
	pthread_mutex_unlock(&d->lock);
	if (k || oqz_sha256_file(path, full, NULL) != OQZ_OK)
		return;
	memcpy(hex, full, OQZ_DIGEST - 1);
	pthread_mutex_lock(&d->lock);
	if (settled(&st) && !oqz_map_has(&d->map, key))
		d->changed |= remember(d, key, hex);
	pthread_mutex_unlock(&d->lock);
}

void oqz_digests_model(struct oqz_digests *d, const struct oqz_graph *g, char hex[65])
{
	struct oqz_sha256 h;
	char of_file[OQZ_DIGEST];

	if (g->data_files.n == 0)
		return;
	oqz_sha256_init(&h);
	oqz_sha256_add(&h, hex, 64);
	for (size_t i = 0; i < g->data_files.n; i++) {
		oqz_digests_file(d, g->data_files.v[i], of_file);
		oqz_sha256_add(&h, of_file, sizeof of_file);
	}
	oqz_sha256_hex(&h, hex);
}

/* ------------------------------------------------------------------------------------------------ sources */

void oqz_source_begin(struct oqz_source *s, struct oqz_digests *d, const char *image)
{
	char hex[OQZ_DIGEST];

	s->digests = d;
	oqz_str_clear(&s->text);
	memset(hex, '-', OQZ_DIGEST - 1);
	hex[OQZ_DIGEST - 1] = 0;
	if (image)
		oqz_digests_file(d, image, hex);
	oqz_str_add(&s->text, hex);
}

/* Each file once: every lane's scoring reads the same. Absolute, because the next run may start elsewhere. */
static void add_read(void *ctx, const char *path)
{
	struct oqz_source *s = ctx;
	OQZ_CLEANUP_FREE char *absolute = realpath(path, NULL);
	OQZ_CLEANUP(oqz_str_release) struct oqz_str line = { 0 };
	char hex[OQZ_DIGEST];

	oqz_digests_file(s->digests, path, hex);
	oqz_str_addf(&line, "\n%s %s", hex, absolute ? absolute : path);
	if (!oqz_str_ok(&line) || strchr(line.s + 1, '\n') || !strstr(oqz_str_get(&s->text), line.s))
		oqz_str_add(&s->text, oqz_str_ok(&line) ? line.s : "\n"); /* what cannot be named is never the same */
}

void oqz_source_watch(struct oqz_source *s) { oqz_host_watch_reads(add_read, s); }
void oqz_source_unwatch(void) { oqz_host_watch_reads(NULL, NULL); }
void oqz_source_release(struct oqz_source *s) { oqz_str_release(&s->text); }

bool oqz_source_files_same(struct oqz_digests *d, const char *source)
{
	const char *end;

	for (const char *line = strchr(source, '\n'); line; line = end) {
		char hex[OQZ_DIGEST];
		line++;
		end = strchr(line, '\n');
		size_t n = end ? (size_t)(end - line) : strlen(line);
		if (n <= OQZ_DIGEST)
			return false;
		OQZ_CLEANUP_FREE char *path = strndup(line + OQZ_DIGEST, n - OQZ_DIGEST);
		if (!path)
			return false;
		oqz_digests_file(d, path, hex);
		if (memcmp(hex, line, OQZ_DIGEST - 1) != 0)
			return false;
	}
	return true;
}

void oqz_source_hash(const char *source, struct oqz_sha256 *h)
{
	for (const char *line = source; line && strlen(line) >= OQZ_DIGEST - 1; line = strchr(line, '\n')) {
		line += *line == '\n';
		oqz_sha256_add(h, line, strnlen(line, OQZ_DIGEST - 1));
	}
}
