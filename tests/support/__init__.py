"""Kernels, runs and a browser that several tests share; not tests themselves."""
