"""Adapters: a small file that calls a convolution of another form as conv2d is called.

A target is inspected in a child process, guesses about its form become the text of adapters, and each is tried on small
problems in a child process. A module belongs here if it guesses, writes or tries an adapter. Only the command line uses
it.
"""
