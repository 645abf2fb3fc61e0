# ONNX files. onnx.proto is compiled by protoc-c at build time, into the build tree.
core_onnx_liboqz_onnx_a_SOURCES = \
	core/onnx/backend_case.c \
	core/onnx/backend_case.h \
	core/onnx/onnx.h \
	core/onnx/onnx_external.c \
	core/onnx/onnx_function.c \
	core/onnx/onnx_impl.h \
	core/onnx/onnx_load.c \
	core/onnx/onnx_load_node.c \
	core/onnx/onnx_older.c \
	core/onnx/onnx_opset.c \
	core/onnx/onnx_readers.c \
	core/onnx/onnx_save.c \
	core/onnx/onnx_save_impl.h \
	core/onnx/onnx_save_node.c \
	core/onnx/onnx_save_value.c \
	core/onnx/onnx_tensor.c \
	core/onnx/onnx_type.c \
	core/onnx/onnx_value.c \
	core/onnx/onnx_wire.c \
	core/onnx/prepare.c \
	$(NULL)
nodist_core_onnx_liboqz_onnx_a_SOURCES = \
	core/onnx/onnx.pb-c.c \
	core/onnx/onnx.pb-c.h \
	$(NULL)
core_onnx_liboqz_onnx_a_CPPFLAGS = $(AM_CPPFLAGS) $(PROTOBUF_C_CFLAGS)
EXTRA_DIST += core/onnx/onnx.proto
BUILT_SOURCES += core/onnx/onnx.pb-c.h
CLEANFILES += core/onnx/onnx.pb-c.c core/onnx/onnx.pb-c.h

# BUILT_SOURCES serves `make all` and `make check` only; the second rule serves everything else.
core/onnx/onnx.pb-c.c: core/onnx/onnx.proto
	$(AM_V_GEN)$(MKDIR_P) core/onnx && $(PROTOC_C) --proto_path=$(srcdir)/core/onnx --c_out=core/onnx \
		$(srcdir)/core/onnx/onnx.proto
core/onnx/onnx.pb-c.h: core/onnx/onnx.pb-c.c
	@test -f $@ || { rm -f core/onnx/onnx.pb-c.c; $(MAKE) $(AM_MAKEFLAGS) core/onnx/onnx.pb-c.c; }
$(core_onnx_liboqz_onnx_a_OBJECTS): core/onnx/onnx.pb-c.h
