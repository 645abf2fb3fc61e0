/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at a protobuf message before libprotobuf-c sees it. Its unpacker calls itself once per level of nesting with
 * about a kilobyte of stack, and turns two bytes of an empty submessage into a struct of hundreds; both are bounded
 * here, by a walk over the wire format (protobuf encoding, "Message Structure") that keeps its own stack.
 *
 * It also copies every field of bytes, so a model's weights would lie in memory twice, once in the file's bytes. Who
 * can do without these gives their pages back as soon as a copy has been made.
 */
#include "core/onnx/onnx_impl.h"
#include "core/base/vec.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_DEPTH = 100 };

/* Unpacked structs may take this much however small the file is, and this many times the file's size. */
static const size_t free_bytes = (size_t)64 << 20;
static const size_t growth = 32;

struct level {
	const unsigned char *end;
	const ProtobufCMessageDescriptor *d;
};

static bool read_varint(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 70 && *p < end; shift += 7) {
		unsigned char b = *(*p)++;
		if (shift < 64)
			v |= (uint64_t)(b & 127) << shift;
		if (b < 128) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool skip(const unsigned char **p, const unsigned char *end, uint64_t n)
{
	if (n > (uint64_t)(end - *p))
		return false;
	*p += n;
	return true;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, uint64_t number)
{
	return number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(d, (unsigned)number) : NULL;
}

/* A large field of bytes, and the copy that has been made of it. */
struct field {
	const unsigned char *from;
	size_t size;
	void *copy;
};

/* A walk, and what it finds. */
struct walk {
	struct level stack[MAX_DEPTH + 1];
	size_t depth, bytes; /* bytes: of the structs it would unpack to */
	bool collect;
	OQZ_VEC(struct field) large; /* in the order they are unpacked in, if `collect` */
	size_t copied;               /* of these */
};

enum { LARGE = 1 << 18 };

/* One field. A submessage opens a level instead of being skipped. */
static bool step(const unsigned char **p, struct walk *w)
{
	struct level *top = &w->stack[w->depth - 1];
	uint64_t tag, n;

	if (!read_varint(p, top->end, &tag) || tag >> 3 == 0)
		return false;
	switch (tag & 7) {
	case 0: return read_varint(p, top->end, &n);
	case 1: return skip(p, top->end, 8);
	case 5: return skip(p, top->end, 4);
	case 2: break;
	default: return false; /* groups do not occur in ONNX */
	}
	if (!read_varint(p, top->end, &n) || n > (uint64_t)(top->end - *p))
		return false;
	const ProtobufCFieldDescriptor *f = field_of(top->d, tag >> 3);
	if (f && f->type == PROTOBUF_C_TYPE_BYTES && w->collect && n >= LARGE) {
		struct field large = { .from = *p, .size = (size_t)n };
		w->collect = oqz_vec_push(&w->large, large); /* no memory: then there is no saving any */
	}
	if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
		return skip(p, top->end, n);
	const ProtobufCMessageDescriptor *d = f->descriptor;
	w->bytes += d->sizeof_message + sizeof(void *);
	w->stack[w->depth++] = (struct level) { *p + n, d };
	return true;
}

static enum oqz_status walk(struct walk *w, const ProtobufCMessageDescriptor *d, const void *data, size_t size,
                            struct oqz_err *err)
{
	const unsigned char *p = data;

	w->depth = 1;
	w->stack[0] = (struct level) { p + size, d };
	while (w->depth) {
		if (p == w->stack[w->depth - 1].end) {
			w->depth--;
			continue;
		}
		if (!step(&p, w))
			OQZ_FAIL(err, OQZ_E_DATA, "not an ONNX file, or damaged at byte %zu of %zu (%s)",
			         (size_t)(p - (const unsigned char *)data), size, d->short_name);
		if (w->depth > MAX_DEPTH)
			OQZ_FAIL(err, OQZ_E_LIMIT, "messages nest more than %d deep", MAX_DEPTH);
		if (w->bytes > free_bytes && w->bytes / growth > size)
			OQZ_FAIL(err, OQZ_E_LIMIT, "%zu bytes would unpack to more than %zu", size, w->bytes);
	}
	return OQZ_OK;
}

enum oqz_status oqz_wire_check(const ProtobufCMessageDescriptor *d, const void *data, size_t size, struct oqz_err *err)
{
	struct walk w = { 0 };

	return walk(&w, d, data, size, err);
}

enum oqz_status oqz_wire_unpack(const ProtobufCMessageDescriptor *d, const void *data, size_t size,
                                ProtobufCMessage **ret, struct oqz_err *err)
{
	OQZ_TRY(oqz_wire_check(d, data, size, err));
	*ret = protobuf_c_message_unpack(d, NULL, size, data);
	if (!*ret)
		OQZ_FAIL(err, OQZ_E_DATA, "damaged, or out of memory while unpacking a %s", d->short_name);
	return OQZ_OK;
}

/* The whole pages of a field that has been copied: they read as zeros from now on. That the copy is one is looked at,
 * as nobody says which allocation is for which field. */
static void give_pages_back(const struct field *f)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)f->from + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)f->from + f->size) / page * page;

	if (to > from && f->copy && memcmp(f->copy, f->from, f->size) == 0)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

/* libprotobuf-c asks for memory for a field of bytes, copies it, and goes on to the next. */
static void *allocate(void *ctx, size_t size)
{
	struct walk *w = ctx;
	void *p = malloc(size);

	if (!p || w->copied >= w->large.n || w->large.v[w->copied].size != size)
		return p;
	if (w->copied > 0)
		give_pages_back(&w->large.v[w->copied - 1]);
	w->large.v[w->copied++].copy = p;
	return p;
}

/* A field that comes twice: its last value counts, and the first is freed before there is room for that. */
static void release(void *ctx, void *p)
{
	struct walk *w = ctx;

	if (p && w->copied > 0 && w->large.v[w->copied - 1].copy == p)
		w->large.v[w->copied - 1].copy = NULL;
	free(p);
}

enum oqz_status oqz_wire_consume(const ProtobufCMessageDescriptor *d, char **data, size_t size, ProtobufCMessage **ret,
                                 struct oqz_err *err)
{
	struct walk w = { .collect = true };
	ProtobufCAllocator allocator = { .alloc = allocate, .free = release, .allocator_data = &w };
	enum oqz_status st = walk(&w, d, *data, size, err);

	if (st == OQZ_OK) {
		*ret = protobuf_c_message_unpack(d, &allocator, size, (const uint8_t *)*data);
		if (!*ret)
			st = oqz_err_set(err, OQZ_E_DATA, "damaged, or out of memory while unpacking a %s",
			                 d->short_name);
	}
	oqz_vec_release(&w.large);
	free(*data);
	*data = NULL;
	return st;
}
