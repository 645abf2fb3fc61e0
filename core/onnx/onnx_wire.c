/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at a protobuf message before libprotobuf-c sees it. Its unpacker calls itself once per level of nesting with
 * about a kilobyte of stack, and turns two bytes of an empty submessage into a struct of hundreds; both are bounded
 * here, by a walk over the wire format (protobuf encoding, "Message Structure") that keeps its own stack.
 */
#include "core/onnx/onnx_impl.h"

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

/* One field. A submessage opens a level instead of being skipped. */
static bool step(const unsigned char **p, struct level *stack, size_t *depth, size_t *bytes)
{
	struct level *top = &stack[*depth - 1];
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
	if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
		return skip(p, top->end, n);
	const ProtobufCMessageDescriptor *d = f->descriptor;
	*bytes += d->sizeof_message + sizeof(void *);
	stack[(*depth)++] = (struct level) { *p + n, d };
	return true;
}

enum oqz_status oqz_wire_check(const ProtobufCMessageDescriptor *d, const void *data, size_t size, struct oqz_err *err)
{
	struct level stack[MAX_DEPTH + 1];
	const unsigned char *p = data;
	size_t depth = 1, bytes = 0;

	stack[0] = (struct level) { p + size, d };
	while (depth) {
		if (p == stack[depth - 1].end) {
			depth--;
			continue;
		}
		if (!step(&p, stack, &depth, &bytes))
			OQZ_FAIL(err, OQZ_E_DATA, "not an ONNX file, or damaged at byte %zu of %zu (%s)",
			         (size_t)(p - (const unsigned char *)data), size, d->short_name);
		if (depth > MAX_DEPTH)
			OQZ_FAIL(err, OQZ_E_LIMIT, "messages nest more than %d deep", MAX_DEPTH);
		if (bytes > free_bytes && bytes / growth > size)
			OQZ_FAIL(err, OQZ_E_LIMIT, "%zu bytes would unpack to more than %zu", size, bytes);
	}
	return OQZ_OK;
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
