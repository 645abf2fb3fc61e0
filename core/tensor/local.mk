# Tensors and element types.
core_tensor_liboqz_tensor_a_SOURCES = \
	core/tensor/dtype.c \
	core/tensor/dtype.h \
	core/tensor/fakequant.c \
	core/tensor/fakequant.h \
	core/tensor/fakequant_check.c \
	core/tensor/fakequant_codebook.c \
	core/tensor/fakequant_dynamic.c \
	core/tensor/fakequant_impl.h \
	core/tensor/float_bits.h \
	core/tensor/minifloat.c \
	core/tensor/minifloat.h \
	core/tensor/npy.c \
	core/tensor/npy.h \
	core/tensor/quantize8.c \
	core/tensor/quantize8.h \
	core/tensor/quantize_minifloat.c \
	core/tensor/quantize_minifloat.h \
	core/tensor/round.c \
	core/tensor/tensor.c \
	core/tensor/tile_product.c \
	core/tensor/tile_product.h \
	core/tensor/tensor.h \
	core/tensor/text.c \
	core/tensor/text.h \
	$(NULL)
core_tensor_liboqz_tensor_a_CFLAGS = $(HOT_CFLAGS)
