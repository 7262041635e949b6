"""The proof of the specification: mutants, the kill matrix, and the sensitivity of each case to wrong outputs.

A module belongs here if it judges the suite itself. It imports `conformance` and all packages below that.
"""
