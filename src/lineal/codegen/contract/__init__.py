"""Contractions: out[i, j] = Σ_k a[i, k] b[k, j], of any sizes and strides, for every pair of kinds of number.

`problem` says what is computed, as data; `tiles` how one tile of it is, in registers; `packing` brings factors into the order
of tiles; `contraction` runs over tiles, block by block and thread by thread. Factors that are read from images (`images`) come
by way of `excerpts`, which `imagepacking` brings into the order of tiles and `direct` sums up where they are. Compiled programs
call a routine by its address, eager code with arrays (`arrays`, `convolutions`).
"""
