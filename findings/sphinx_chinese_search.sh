#!/usr/bin/env bash
# Sphinx 9.0.4: the search of a site in Chinese finds nothing. `language_data.js` ends with `window.Stemmer = ChineseStemmer`, and no
# class of that name is defined: the index is made with the English stemmer, as EnglishStemmer. The browser raises ReferenceError.
# Known as https://github.com/sphinx-doc/sphinx/issues/14229. Needs node.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet sphinx==9.0.4 jieba==0.42.1
printf 'project = "page"\nlanguage = "zh_CN"\n' > "$folder/conf.py"
printf 'Page\n====\n\nWords.\n' > "$folder/index.rst"
"$folder/env/bin/python" -m sphinx -Q -b html "$folder" "$folder/out"
printf 'globalThis.window = globalThis;\n' | cat - "$folder/out/_static/language_data.js" > "$folder/page.js"
said=$(node "$folder/page.js" 2>&1 || true)
echo "$said" | grep ReferenceError
echo "$said" | grep -q "ReferenceError: ChineseStemmer is not defined" || { echo "Sphinx has changed"; exit 1; }
