# Quantizer int8: affine integer grids.
