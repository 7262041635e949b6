"""Layer sets: the convolutions of real networks, sweeps of one dimension, and convolutions listed by a user.

A module belongs here if it converts a user's name for a set of problems to a `LayerSet`. It imports `problem`,
`environment` and `bundled`, and neither the race nor the specification.
"""


class BenchError(Exception):
    """Race that cannot be run; the message states the reason and lists similar names if there are any."""
