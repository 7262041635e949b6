"""What all tests share: properties are drawn alike on every run, and no timer judges a busy machine."""

import signal

from hypothesis import settings

settings.register_profile("convgauge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("convgauge")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore Ctrl-C, and so do its children; some here are interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
