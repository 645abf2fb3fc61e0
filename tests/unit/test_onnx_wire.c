/* SPDX-License-Identifier: Apache-2.0
 *
 * core/onnx/onnx_wire.c: a message unpacked while its bytes are given back is the message. Fields of one size behind
 * each other, fields of which the last counts, fields too small to care about.
 */
#include "core/base/rng.h"
#include "core/onnx/onnx_impl.h"
#include "tests/support/support.h"

#include <string.h>

enum { GRAPH_INITIALIZER = 5, TENSOR_RAW = 9, BYTES = 2 };

static char *put_varint(char *p, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		*p++ = (char)(v | 128);
	*p++ = (char)v;
	return p;
}

static size_t varint_size(uint64_t v)
{
	char buf[10];

	return (size_t)(put_varint(buf, v) - buf);
}

/* Tensors of `sizes` bytes, each written `times` times over: the last one counts. */
static char *message(const size_t *sizes, size_t n, int times, size_t *ret_size)
{
	size_t total = 0;
	struct oqz_rng r;

	for (size_t i = 0; i < n; i++)
		total += 64 + (sizes[i] + 16) * (size_t)times;
	char *data = malloc(total), *p = data;
	ck_assert_ptr_nonnull(data);
	oqz_rng_init(&r, 11);
	for (size_t i = 0; i < n; i++) {
		size_t inner = (1 + varint_size(sizes[i]) + sizes[i]) * (size_t)times;
		p = put_varint(p, GRAPH_INITIALIZER << 3 | BYTES);
		p = put_varint(p, inner);
		for (int t = 0; t < times; t++) {
			p = put_varint(p, TENSOR_RAW << 3 | BYTES);
			p = put_varint(p, sizes[i]);
			for (size_t k = 0; k < sizes[i]; k++)
				*p++ = (char)oqz_rng_u64(&r);
		}
	}
	*ret_size = (size_t)(p - data);
	return data;
}

START_TEST(consumed_messages_are_the_messages)
{
	static const size_t sizes[] = { 300000, 300000, 10, 1 << 20, 1 << 20, 1 << 20, 300001, 262144 };

	for (int times = 1; times < 4; times++) {
		ProtobufCMessage *want, *got;
		size_t size;
		char *data = message(sizes, OQZ_COUNTOF(sizes), times, &size);
		ck_ok(oqz_wire_unpack(&onnx__graph_proto__descriptor, data, size, &want, err));
		ck_ok(oqz_wire_consume(&onnx__graph_proto__descriptor, &data, size, &got, err));
		ck_assert_ptr_null(data);
		const Onnx__GraphProto *a = (const Onnx__GraphProto *)want, *b = (const Onnx__GraphProto *)got;
		ck_assert_uint_eq(b->n_initializer, OQZ_COUNTOF(sizes));
		for (size_t i = 0; i < OQZ_COUNTOF(sizes); i++) {
			const ProtobufCBinaryData *x = &a->initializer[i]->raw_data, *y = &b->initializer[i]->raw_data;
			ck_assert_uint_eq(y->len, sizes[i]);
			ck_assert(memcmp(x->data, y->data, sizes[i]) == 0);
		}
		protobuf_c_message_free_unpacked(want, NULL);
		protobuf_c_message_free_unpacked(got, NULL);
	}
}
END_TEST

/* Refused, and nothing is left behind. */
START_TEST(damaged_messages_are_freed)
{
	static const size_t sizes[] = { 300000, 300000 };
	ProtobufCMessage *got;
	size_t size;
	char *data = message(sizes, OQZ_COUNTOF(sizes), 1, &size);

	ck_fails(oqz_wire_consume(&onnx__graph_proto__descriptor, &data, size - 1, &got, err), OQZ_E_DATA, "damaged");
	ck_assert_ptr_null(data);
}
END_TEST

OQZ_TEST_MAIN("onnx_wire", consumed_messages_are_the_messages, damaged_messages_are_freed)
