"""Sphinx configuration: Markdown pages, no API dump; warnings are errors in `make docs`."""

from pegasus_tab.base.version import VERSION

project = "Pegasus Tab"
copyright = "2026, the Pegasus Tab authors"  # noqa: A001 -- the name is Sphinx's
release = VERSION
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]
