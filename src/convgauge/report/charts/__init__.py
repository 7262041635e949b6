"""Charts as SVG text: one module per chart, and the helpers that they share.

A module belongs here if it turns numbers into SVG. It imports the report's formatting and records, and no page.
"""
