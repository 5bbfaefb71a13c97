"""The site of the documentation: `make docs`."""

import json
from importlib.metadata import version as version_of

from myst_parser.parsers.sphinx_ import MystParser
from sphinx.pycode import ModuleAnalyzer

project = "BioBench"
release = version = version_of("biobench")
copyright = "the BioBench authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

# The sources are the repository: pages link to its files as they do in a browser of repositories.
root_doc = "docs/index"
include_patterns = [
    "*.md",
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


class NotebookParser(MystParser):
    """Reads a notebook as a page: texts, code, and what the file says that the cells give."""

    supported = ("ipynb",)

    def parse(self, inputstring, document):
        """Parse the page of a notebook."""
        parts = []
        for cell in json.loads(inputstring)["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                parts.append(source)
                continue
            parts.append(fenced("python", source))
            for output in cell["outputs"]:
                data = output["data"]
                html = "text/html" in data
                text = "".join(data["text/html" if html else "text/plain"])
                parts.append(fenced("{raw} html" if html else "text", text))
        super().parse("\n\n".join(parts), document)


def fenced(kind, text):
    """A block of MyST."""
    return f"``````{kind}\n{text}\n``````"


def setup(app):
    """Let notebooks be pages, and show the arguments of a call rather than its overloads."""
    calls = ModuleAnalyzer.for_module("biobench.api")
    calls.analyze()
    calls.overloads.pop("evaluate", None)
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(NotebookParser)
