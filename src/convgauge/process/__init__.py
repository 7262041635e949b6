"""The engine's side of a worker process: starting it, talking to it, and counting its failures.

A module belongs here if it manages a worker process. It imports `worker` for the messages, and the modules above it.
"""
