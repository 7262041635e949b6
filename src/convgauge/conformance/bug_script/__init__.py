"""Script of a bug report: a short Python file without convgauge that shows one failing case.

A module belongs here if it writes a part of that file, or runs it.
"""
