"""Test of the diagnosis: for each mutant, is its kind of mechanism the first cause that is named.

A module belongs here if it judges the causes that the suite names for mutants and correct builds.
"""
