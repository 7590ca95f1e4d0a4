"""Memory and machine code: the bottom of the native engine, and the only folder that knows LLVM, BLAS and LAPACK.

From below: `kinds`, `target` (what numbers, what processor); `values`, `writer`, `arithmetic`, `memory`, `blocks`, `flow` and
`emit` (code written as if it were computed); `mathlib` and `mathmodule` (NumPy's functions); `cache` and `engine` (text to
addresses); `layout` and `entry` (addresses to Python builtins); `poolcode`, `threads` and `parallel` (the fork-join pool);
`blas`; `batched` (many small matrices) and `dense` (large ones). Import the modules by name; nothing is imported here, so that
eager use pays for none of it.
"""
