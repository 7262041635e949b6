"""The code that runs beside the kernel, in the worker process.

A module belongs here if it executes in the process that calls an implementation: the server, the protocol, the call
and its observation, memory layouts, framework adapters and the timing loop. It runs on Python 3.9 with NumPy alone and
imports `problem`, `dtypes`, `arguments`, `registry`, `bundled` and other modules of this package.
"""
