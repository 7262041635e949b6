"""Layer sets: the convolutions of real networks, sweeps of one dimension, and convolutions listed by a user.

A module belongs here if it turns a user's word for a set of problems into `LayerSet`. It imports `problem`,
`environment` and `bundled`, and neither the race nor the specification.
"""


class BenchError(Exception):
    """A race that cannot be run; the message says why and lists near names if there are any."""
