#!/usr/bin/env bash
# pypardiso 0.4.7: every PyPardisoSolver() looks for the library mkl_rt through all files of the environment again, if the loader does
# not know it, as after pip install; and one solver keeps one matrix's factors. So solvers of several matrices cost a search each. Seen: a
# search by a second solver, where the library is loaded already. PYPARDISO_MKL_RT spares it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 pypardiso==0.4.7
"$folder/env/bin/python" - <<'END'
import glob

import pypardiso

searches, search = [], glob.glob
glob.glob = lambda *given, **options: searches.append(given[0]) or search(*given, **options)
pypardiso.PyPardisoSolver()
print(pypardiso.__version__, searches)
assert searches, "it has changed"
END
