"""How Sphinx builds the site: `make -C docs html`, which needs `pip install '.[docs]'` and no network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

import lineal  # noqa: E402

project = "lineal"
author = "The lineal developers"
copyright = "The lineal developers, Apache-2.0"
release = version = lineal.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.intersphinx",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "formulas",
    "languages",
    "links",
    "reference",
]
root_doc = "index"
exclude_patterns = [
    "build",
    "course",
    "extensions",
    "locale",
    "templates",
    "sg_execution_times.rst",
    "lessons/sg_execution_times.rst",
]
templates_path = ["templates"]
# Annotations in signatures name Tensor, Number …, of which several namespaces have one: their links are left open.
suppress_warnings = ["ref.python"]
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True

myst_heading_anchors = 3
myst_links_external_new_tab = False

# Inventories of other sites are read where somebody has put them (docs/inventories/python.inv); nothing is fetched.
INVENTORIES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
}
intersphinx_mapping = {
    name: (address, str(inventory))
    for name, address in INVENTORIES.items()
    if (inventory := HERE / "inventories" / f"{name}.inv").exists()
}

sphinx_gallery_conf = {
    "examples_dirs": ["course"],
    "gallery_dirs": ["lessons"],
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("pictures.scraper",),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1000,
    "show_memory": False,
    "inspect_global_variables": False,
    "show_signature": False,
    "remove_config_comments": True,
    "default_thumb_file": str(HERE / "pictures" / "logistic_regression.png"),
}

html_theme = "furo"
html_title = "lineal"
html_static_path: list[str] = ["static"]
html_css_files = ["lessons.css"]
html_search_scorer = str(HERE / "scorer.js")
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "language.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
