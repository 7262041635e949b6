"""The report: pages, a Markdown summary, badges and differences, all of them functions of run files."""

from convgauge.report.build import Trouble, build
from convgauge.report.diff import changes_between, compare, other_machine
from convgauge.report.export import badge, junit, markdown
from convgauge.report.server import serve

__all__ = ["Trouble", "badge", "build", "changes_between", "compare", "junit", "markdown", "other_machine", "serve"]
