/* SPDX-License-Identifier: Apache-2.0
 *
 * What results were made from: digests of files. A picture that was replaced, even by one of the same name and size,
 * must not be mixed with records of the old one, so every row of the ledger names the bytes that it came from. Hashing
 * is cheap beside decoding, and is done once: a digest is remembered under what stat() says of the file (device, inode,
 * size, times), in the ledger.
 */
#ifndef OQZ_RUN_DIGESTS_H
#define OQZ_RUN_DIGESTS_H

#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/graph/graph.h"
#include "core/result/ledger.h"

struct oqz_digests;
enum { OQZ_DIGEST = 33 }; /* 32 hexadecimal digits and a NUL: half of a SHA-256 */

/* With what the ledger (may be NULL) remembers. */
enum oqz_status oqz_digests_new(struct oqz_ledger *l, struct oqz_digests **ret, struct oqz_err *err);
void oqz_digests_free(struct oqz_digests *d);
/* Writes what is new into the ledger. */
enum oqz_status oqz_digests_save(struct oqz_digests *d, struct oqz_err *err);
/* Of the file's bytes; dashes when it cannot be read (which is an identity too: it differs from any that can).
 * Thread-safe.
 */
void oqz_digests_file(struct oqz_digests *d, const char *path, char hex[OQZ_DIGEST]);

/* A model's identity, from its file's SHA-256 in `hex`: stays that when the file holds everything; when weights lie in
 * files beside it, it becomes the SHA-256 of the file's and those files' digests in order. Thread-safe.
 */
void oqz_digests_model(struct oqz_digests *d, const struct oqz_graph *g, char hex[65]);

/* The source of a row: the image's digest and, a line each, digest and path of the other files that the task read for
 * the item (label maps, references). */
struct oqz_source {
	struct oqz_digests *digests;
	struct oqz_str text;
};
/* Begins a source with an image; NULL: with none. Memory is kept from one to the next. */
void oqz_source_begin(struct oqz_source *s, struct oqz_digests *d, const char *image);
/* From here on what plugins read on this thread belongs to the source. / Not any more. */
void oqz_source_watch(struct oqz_source *s);
void oqz_source_unwatch(void);
void oqz_source_release(struct oqz_source *s);
/* Whether the source's other files are what they were; the image's digest is the first 32 digits of it. */
bool oqz_source_files_same(struct oqz_digests *d, const char *source);
/* Adds the digests alone: identity without places. */
void oqz_source_hash(const char *source, struct oqz_sha256 *h);

#endif
