"""Settings of all tests: every run draws the same examples, and no deadline fails on a busy machine."""

import signal

from hypothesis import settings

settings.register_profile("convgauge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("convgauge")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its background jobs ignore Ctrl-C, and children inherit that; some tests interrupt a child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
