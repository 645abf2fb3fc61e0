/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the ledger, cells, blobs. SQLite because it is the one file format that survives kill -9,
 * full disks and power cuts by design, and that people can look into with a tool they have. synchronous=NORMAL: a
 * commit is safe from a kill of the process at once, from a power cut after the next checkpoint, and the file is never
 * torn.
 */
#include "core/result/ledger_impl.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x6f717a6c, SCHEMA = 2, BUSY_MS = 60000, LOCK_TRIES = 20 };

static const char schema[] =
    "CREATE TABLE cell(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, model TEXT NOT NULL, scheme TEXT NOT NULL);"
    "CREATE TABLE row(cell INTEGER NOT NULL, item INTEGER NOT NULL, name TEXT NOT NULL, status INTEGER NOT NULL,"
    " message TEXT NOT NULL, record BLOB NOT NULL, errors BLOB NOT NULL, has_local INTEGER NOT NULL, sum INTEGER NOT "
    "NULL,"
    " source TEXT NOT NULL DEFAULT '', PRIMARY KEY(cell, item));"
    "CREATE TABLE blob(name TEXT PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL);"
    "PRAGMA application_id=1869707884; PRAGMA user_version=2;";
/* Version 1 did not know what its rows were made from, so they are made again; plans stay. */
static const char from_1[] = "ALTER TABLE row ADD COLUMN source TEXT NOT NULL DEFAULT ''; PRAGMA user_version=2;";
_Static_assert(APPLICATION_ID == 1869707884, "the number in the schema's text");

enum oqz_status oqz_ledger_fail(struct oqz_ledger *l, int rc, const char *doing, struct oqz_err *err)
{
	const char *path = l->path, *text = l->db ? sqlite3_errmsg(l->db) : sqlite3_errstr(rc);

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the ledger is damaged (%s); move it away to start afresh", path, text);
	case SQLITE_ERROR: /* of our own statements: a table or column is absent or of another kind */
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG: OQZ_FAIL(err, OQZ_E_DATA, "%s: %s: not what a ledger holds (%s)", path, doing, text);
	case SQLITE_FULL: OQZ_FAIL(err, OQZ_E_IO, "%s: %s: the disk is full", path, doing);
	case SQLITE_BUSY:
	case SQLITE_LOCKED: OQZ_FAIL(err, OQZ_E_IO, "%s: %s: in use by another process", path, doing);
	case SQLITE_NOMEM: return oqz_err_nomem(err, path, 0);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR: {
		int sys = l->db ? sqlite3_system_errno(l->db) : 0;
		OQZ_FAIL(err, OQZ_E_IO, "%s: %s: %s%s%s", path, doing, text, sys ? ": " : "", sys ? strerror(sys) : "");
	}
	default: OQZ_FAIL(err, OQZ_E_INTERNAL, "%s: %s: %s", path, doing, text);
	}
}

enum oqz_status oqz_ledger_exec(struct oqz_ledger *l, const char *sql, struct oqz_err *err)
{
	int rc = sqlite3_exec(l->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? OQZ_OK : oqz_ledger_fail(l, rc, "writing", err);
}

enum oqz_status oqz_ledger_prepare(struct oqz_ledger *l, const char *sql, sqlite3_stmt **ret, struct oqz_err *err)
{
	int rc = sqlite3_prepare_v2(l->db, sql, -1, ret, NULL);

	return rc == SQLITE_OK ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

enum oqz_status oqz_ledger_step(struct oqz_ledger *l, sqlite3_stmt *st, struct oqz_err *err)
{
	int rc = sqlite3_step(st);
	enum oqz_status code = rc == SQLITE_DONE || rc == SQLITE_ROW ? OQZ_OK : oqz_ledger_fail(l, rc, "writing", err);

	sqlite3_reset(st);
	return code;
}

int64_t oqz_ledger_row_sum(const struct oqz_ledger_row *row)
{
	const char *id = row->item_id ? row->item_id : "", *message = row->message ? row->message : "";
	const char *source = row->source ? row->source : "";
	const uint64_t parts[] = { oqz_hash64(row->record, row->record_size),
		                   oqz_hash64(row->errors, row->n_errors * sizeof(double)),
		                   oqz_hash64(id, strlen(id)),
		                   oqz_hash64(message, strlen(message)),
		                   row->record_size,
		                   row->n_errors,
		                   (uint64_t)row->item,
		                   (uint64_t)row->status,
		                   row->has_local,
		                   oqz_hash64(source, strlen(source)) };

	/* rows without a source have the sum that they had before there were sources */
	return (int64_t)oqz_hash64(parts, sizeof parts - (*source ? 0 : sizeof parts[0]));
}

int64_t oqz_ledger_blob_sum(const void *data, size_t size) { return (int64_t)oqz_hash64(data, size); }

/* ---------------------------------------------------------------------------------------------------- open, close */

/* The process id in the lock file is for the message only; flock() decides, and dies with its holders. */
static long lock_holder(int fd)
{
	char text[32] = "";

	return pread(fd, text, sizeof text - 1, 0) > 0 ? atol(text) : 0;
}

enum oqz_status oqz_ledger_lock(const char *dir, int *ret_fd, struct oqz_err *err)
{
	char name[4096];

	if ((size_t)snprintf(name, sizeof name, "%s/ledger.lock", dir) >= sizeof name)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: the path is too long", dir);
	OQZ_TRY(oqz_mkdirs(dir, err));
	/* Children inherit it on purpose: workers that outlive their parent keep the next run out. */
	int fd = open(name, O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		return oqz_err_errno(err, errno, name);
	/* The workers of a killed run go with it, but not in the same instant. */
	const struct timespec pause = { .tv_nsec = 50000000 };
	int e = 0;
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		e = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
		if (e != EWOULDBLOCK)
			break;
		nanosleep(&pause, NULL);
	}
	if (e) {
		long pid = lock_holder(fd);
		close(fd);
		if (e == EWOULDBLOCK)
			OQZ_FAIL(err, OQZ_E_USAGE, "%s: in use by another run (process %ld)", dir, pid);
		return oqz_err_errno(err, e, name);
	}
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		e = errno;
		close(fd);
		return oqz_err_errno(err, e, name);
	}
	*ret_fd = fd;
	return OQZ_OK;
}

static enum oqz_status query_int(struct oqz_ledger *l, const char *sql, int64_t *ret, struct oqz_err *err)
{
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, sql, &st, err));
	int rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		return oqz_ledger_fail(l, rc, "reading", err);
	*ret = sqlite3_column_int64(st, 0);
	return OQZ_OK;
}

/* A ledger of ours and of this version? A fresh file (when writable) gets the schema. */
static enum oqz_status check_schema(struct oqz_ledger *l, struct oqz_err *err)
{
	int64_t app, version, tables;

	OQZ_TRY(query_int(l, "PRAGMA application_id", &app, err));
	OQZ_TRY(query_int(l, "PRAGMA user_version", &version, err));
	OQZ_TRY(query_int(l, "SELECT count(*) FROM sqlite_master", &tables, err));
	if (l->writable && app == 0 && tables == 0)
		return oqz_ledger_exec(l, schema, err);
	if (app != APPLICATION_ID)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: not a ledger", l->path);
	if (l->writable && version == 1)
		return oqz_ledger_exec(l, from_1, err);
	if (version != SCHEMA)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: a ledger of version %lld, this program reads version %d", l->path,
		         (long long)version, SCHEMA);
	return OQZ_OK;
}

/* A WAL file in a folder that cannot be written (an archive, a CD) opens only when SQLite is told that nobody changes
 * it. */
static int open_immutable(const char *path, sqlite3 **ret)
{
	struct oqz_str uri = { 0 };

	oqz_str_add(&uri, "file:");
	for (const char *p = path; *p; p++)
		if (strchr("%?#", *p))
			oqz_str_addf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
		else
			oqz_str_addn(&uri, p, 1);
	oqz_str_add(&uri, "?immutable=1");
	int rc =
	    oqz_str_ok(&uri) ? sqlite3_open_v2(uri.s, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) : SQLITE_NOMEM;
	oqz_str_release(&uri);
	return rc;
}

static enum oqz_status connect_read(struct oqz_ledger *l, struct oqz_err *err)
{
	if (access(l->path, R_OK) != 0)
		return oqz_err_errno(err, errno, l->path);
	/* For writing where that is allowed, since only such a connection takes away the files beside the ledger that
	 * reading makes, too; query_only keeps it from writing anything else. */
	int rc = sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(l->db, "PRAGMA query_only=1; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	if (rc == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) {
		sqlite3_close(l->db);
		l->db = NULL;
		rc = open_immutable(l->path, &l->db);
	}
	if (rc != SQLITE_OK)
		return oqz_ledger_fail(l, rc, "opening", err);
	sqlite3_busy_timeout(l->db, BUSY_MS);
	return check_schema(l, err);
}

static enum oqz_status connect_write(struct oqz_ledger *l, struct oqz_err *err)
{
	int rc = sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (rc != SQLITE_OK)
		return oqz_ledger_fail(l, rc, "opening", err);
	sqlite3_busy_timeout(l->db, BUSY_MS);
	OQZ_TRY(oqz_ledger_exec(l, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE", err));
	OQZ_TRY(check_schema(l, err)); /* an error rolls back with the connection */
	return oqz_ledger_exec(l, "COMMIT", err);
}

enum oqz_status oqz_ledger_open(const char *path, bool read_only, struct oqz_ledger **ret, struct oqz_err *err)
{
	struct oqz_ledger *l = calloc(1, sizeof *l);
	enum oqz_status st;

	if (!l || !(l->path = strdup(path))) {
		free(l);
		return oqz_err_nomem(err, path, sizeof *l);
	}
	l->last = &l->first;
	l->writable = !read_only;
	pthread_mutex_init(&l->db_lock, NULL);
	pthread_mutex_init(&l->queue_lock, NULL);
	pthread_cond_init(&l->more, NULL);
	pthread_cond_init(&l->less, NULL);
	st = l->writable ? connect_write(l, err) : connect_read(l, err);
	if (st == OQZ_OK && l->writable)
		st = oqz_ledger_writer_start(l, err);
	if (st != OQZ_OK) {
		oqz_ledger_close(l, NULL);
		return st;
	}
	*ret = l;
	return OQZ_OK;
}

enum oqz_status oqz_ledger_close(struct oqz_ledger *l, struct oqz_err *err)
{
	enum oqz_status st = OQZ_OK;

	if (!l)
		return OQZ_OK;
	oqz_ledger_writer_stop(l);
	if (l->failure.code != OQZ_OK)
		st = oqz_err_set(err, l->failure.code, "%s", l->failure.msg);
	sqlite3_close(l->db);
	pthread_mutex_destroy(&l->db_lock);
	pthread_mutex_destroy(&l->queue_lock);
	pthread_cond_destroy(&l->more);
	pthread_cond_destroy(&l->less);
	free(l->path);
	free(l);
	return st;
}

/* ---------------------------------------------------------------------------------------------------- cells, blobs */

static enum oqz_status add_cell(struct oqz_ledger *l, const char *key, const char *model, const char *scheme,
                                struct oqz_err *err)
{
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, "INSERT INTO cell(key, model, scheme) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
	                           &st, err));
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, model, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, scheme, -1, SQLITE_STATIC);
	return oqz_ledger_step(l, st, err);
}

enum oqz_status oqz_ledger_cell(struct oqz_ledger *l, const char *key, const char *model, const char *scheme,
                                int64_t *ret_cell, struct oqz_err *err)
{
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;

	if (l->writable)
		OQZ_TRY(add_cell(l, key, model, scheme, err));
	OQZ_TRY(oqz_ledger_prepare(l, "SELECT id FROM cell WHERE key = ?1", &st, err));
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		OQZ_FAIL(err, OQZ_E_NOENT, "%s: no cell %s %s", l->path, model, scheme);
	if (rc != SQLITE_ROW)
		return oqz_ledger_fail(l, rc, "reading", err);
	*ret_cell = sqlite3_column_int64(st, 0);
	return OQZ_OK;
}

enum oqz_status oqz_ledger_put_blob(struct oqz_ledger *l, const char *name, const void *data, size_t size,
                                    struct oqz_err *err)
{
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, "INSERT OR REPLACE INTO blob(name, data, sum) VALUES(?1, ?2, ?3)", &st, err));
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(st, 2, size ? data : "", size, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, oqz_ledger_blob_sum(data, size));
	return oqz_ledger_step(l, st, err);
}

enum oqz_status oqz_ledger_get_blob(struct oqz_ledger *l, const char *name, char **ret, size_t *ret_size,
                                    struct oqz_err *err)
{
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, "SELECT data, sum FROM blob WHERE name = ?1", &st, err));
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_DONE) {
		*ret = NULL;
		if (ret_size)
			*ret_size = 0;
		return OQZ_OK;
	}
	if (rc != SQLITE_ROW)
		return oqz_ledger_fail(l, rc, "reading", err);
	const void *data = sqlite3_column_blob(st, 0);
	size_t size = (size_t)sqlite3_column_bytes(st, 0);
	if (sqlite3_column_int64(st, 1) != oqz_ledger_blob_sum(data, size))
		OQZ_FAIL(err, OQZ_E_DATA, "%s: \"%s\" has a wrong checksum", l->path, name);
	char *copy = malloc(size + 1);
	if (!copy)
		return oqz_err_nomem(err, name, size);
	if (size)
		memcpy(copy, data, size);
	copy[size] = 0;
	*ret = copy;
	if (ret_size)
		*ret_size = size;
	return OQZ_OK;
}
