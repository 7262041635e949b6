"""Exact outputs of a convolution: operands, the oracle, error bounds and comparisons.

A module belongs here if it states what a correct convolution returns, independently of every implementation. It imports
`problem`, `dtypes` and other modules of this package.
"""
