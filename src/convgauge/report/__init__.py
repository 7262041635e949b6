"""The report: pages, a Markdown summary, badges, JUnit XML and differences, all pure functions of run files.

A module belongs here if it turns runs into text, tables or pages. It calls no implementation and imports neither the
cluster nor the command line.
"""

from convgauge.report.badges import badge
from convgauge.report.build import InputIssue, build
from convgauge.report.diff import changes_between, compare, other_machine
from convgauge.report.junit_xml import junit
from convgauge.report.server import serve
from convgauge.report.summary import markdown

__all__ = ["InputIssue", "badge", "build", "changes_between", "compare", "junit", "markdown", "other_machine", "serve"]
