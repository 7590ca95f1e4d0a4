#!/usr/bin/env bash
# torch 2.13.0: a view of a leaf made under no_grad. A computed tensor made there has requires_grad False, as the documentation of
# no_grad says of all results; a view made there reports requires_grad True, is_leaf True and grad_fn None, and is not the leaf.
# Seen: "copy False True / view True True None". Code that collects leaves by these two flags collects such views, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/env/bin/python" -W ignore - <<'END'
import torch

x = torch.ones(3, requires_grad=True)
with torch.no_grad():
    copy, view = x * 1, x[:2]
print("copy", copy.requires_grad, copy.is_leaf, "/ view", view.requires_grad, view.is_leaf, view.grad_fn)
assert (copy.requires_grad, view.requires_grad, view.is_leaf, view.grad_fn) == (False, True, True, None), "it has changed"
END
