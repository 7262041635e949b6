"""Configuration of Sphinx. The pages of the specification and of the algorithms are generated from declarations."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import generate  # noqa: E402  # beside this file

from convgauge import __version__  # noqa: E402

generate.write(HERE / "_generated")

project = "convgauge"
copyright = "The convgauge developers"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated/kinds", "_generated/costs.md", "_generated/packages.md"]  # parts of pages
default_role = "code"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 100
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"convgauge {release}"
