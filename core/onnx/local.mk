# ONNX files. onnx.proto is compiled by protoc-c at build time.
core_onnx_liboqz_onnx_a_SOURCES = \
	core/onnx/backend_case.c \
	core/onnx/backend_case.h \
	core/onnx/onnx.h \
	$(NULL)
