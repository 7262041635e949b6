"""The report: pages, a Markdown summary, badges and differences, all of them functions of run files."""

from convgauge.report.changes import changes_between, compare
from convgauge.report.export import badge, junit, markdown
from convgauge.report.loopback import serve
from convgauge.report.site import Trouble, build

__all__ = ["Trouble", "badge", "build", "changes_between", "compare", "junit", "markdown", "serve"]
