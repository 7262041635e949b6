"""The right answer: operands, the exact oracle, error bounds and comparisons.

A module belongs here if it says what a correct convolution returns, independently of every implementation. It imports
`problem`, `dtypes` and other modules of this package.
"""
