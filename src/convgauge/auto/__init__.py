"""The tuner behind the implementation `auto`: a cost model, a play-off on the layer, and a cache on disk.

A module belongs here if only `auto` needs it. It imports `problem`, `registry` and `environment`.
"""
