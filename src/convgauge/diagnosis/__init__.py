"""Explanations: the shortest rules that separate the cases on which an implementation does one thing from the others.

A module belongs here if it turns outcomes of cases into rules over their fields. It is pure: it makes no call and
imports `problem`, `domain`, `reference`, `worker.call`, `worker.layouts` and other modules of this package.
"""
