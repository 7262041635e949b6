"""What all tests share: properties are drawn alike on every run, and no timer judges a busy machine."""

from hypothesis import settings

settings.register_profile("convgauge", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("convgauge")
