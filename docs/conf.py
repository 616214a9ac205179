"""Settings by which Sphinx makes the documentation site of these pages: `make docs`."""

import logging
import os
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

# The allspin that is documented, and that notebooks run, is the one beside these pages.
sys.path[:0] = [str(ROOT), str(HERE / "site")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

from sources import sources_digest  # noqa: E402

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _PROJECT["name"]
author = "the allspin authors"
project_copyright = author
version = release = _PROJECT["version"]
language = "en"

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    # Modules of docs/site.
    "diagrams",
    "links",
    "trying",
    "units",
]
exclude_patterns = ["site"]
# A block without a language is output.
highlight_language = "none"
# Typographic quotes would change commands in the text.
smartquotes = False
# `allspin.Network` in a docstring is a link where the site has the name, and code elsewhere.
default_role = "py:obj"

# Headings are linked by the names that GitHub gives them, so that links lead somewhere on both.
myst_heading_anchors = 4

# A notebook's output is kept as long as neither it nor allspin's sources change.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks" / sources_digest(ROOT))
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
# Progress lines only help a reader who waits.
nb_output_stderr = "remove"
logging.getLogger("traitlets").setLevel(logging.WARNING)
# Notebooks run without their reader's own settings, and their kernels print only errors.
_ipython = ROOT / "build" / "ipython"
(_ipython / "profile_default").mkdir(parents=True, exist_ok=True)
(_ipython / "profile_default" / "ipython_kernel_config.py").write_text(
    "c.IPKernelApp.log_level = 40\n", encoding="utf-8"
)
os.environ["IPYTHONDIR"] = str(_ipython)

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures have defaults; types are in the docstrings
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "allspin"
html_static_path = ["site/static"]
html_css_files = ["allspin.css"]
html_copy_source = False
html_show_sourcelink = False
# Fonts and scripts come from the site itself.
html_theme_options = {"navigation_with_keys": True}
