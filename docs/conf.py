"""The site of the documentation: `make docs`."""

from importlib.metadata import version as version_of

project = "BioBench"
release = version = version_of("biobench")
copyright = "the BioBench authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

# The sources are the repository: pages link to its files as they do in a browser of repositories.
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "containers/*.md",
    "docs/**",
    "spec/*.md",
    "spec/ports/javascript/README.md",
]
exclude_patterns = [".*", "target", "native", "tests", "tools", "runner", "requirements"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"BioBench {release}"
html_copy_source = False
templates_path = ["_templates"]
html_additional_pages = {"index": "forward.html"}

myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
suppress_warnings = ["myst.header"]

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
