#!/usr/bin/env bash
# llvmlite 0.50.0 (LLVM 22.1.0), x86-64 with AVX-512: a masked store of <8 x i8> that a truncation of <8 x i64> gave, under a constant
# mask of which only the first lane is true. The language reference lets it write one byte. Seen, in the assembly for skylake-avx512: one
# instruction that writes eight bytes (`vmovlps`); for haswell, without AVX-512, `movb` of one byte. LLVM's issue 179489 has it.
# Nothing is run here but the code generator.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet llvmlite==0.50.0
"$folder/env/bin/python" - <<'END'
import llvmlite.binding as llvm

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
mask = ", ".join("i1 true" if lane == 0 else "i1 false" for lane in range(8))
module = llvm.parse_assembly(f"""
declare void @llvm.masked.store.v8i8.p0(<8 x i8>, ptr, i32, <8 x i1>)
define void @narrowed(ptr %to, <8 x i64> %x) nounwind {{
  %y = trunc <8 x i64> %x to <8 x i8>
  call void @llvm.masked.store.v8i8.p0(<8 x i8> %y, ptr %to, i32 1, <8 x i1> <{mask}>)
  ret void
}}
""")
stores = {}
for cpu in ("skylake-avx512", "haswell"):
    target = llvm.Target.from_triple("x86_64-unknown-linux-gnu").create_target_machine(cpu=cpu, opt=2)
    lines = [line.split() for line in target.emit_assembly(module).splitlines()]
    stores[cpu] = [words[0] for words in lines if words and words[-1] == "(%rdi)"]
print("LLVM", ".".join(map(str, llvm.llvm_version_info)), stores)
assert stores == {"skylake-avx512": ["vmovlps"], "haswell": ["movb"]}, "the store has changed"
END
