"""Attention by tiles: scores and weights of some queries and keys at a time, which never leave the cache.

`problem` says what is computed, as data; `blocks` has the products of tiles, by those of `contract`; `forward` runs over keys
for each block of queries, with running maxima and sums; `backward` makes the weights again, for each block of keys. Compiled
programs call the routines by their addresses, eager code with arrays (`arrays`).   Dao et al. (2022), arXiv:2205.14135.
"""
