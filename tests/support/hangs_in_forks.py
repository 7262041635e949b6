"""A convolution whose import lets every fork of the process hang."""

import os
import time
from typing import Any

os.register_at_fork(after_in_child=lambda: time.sleep(3600))


def hangs_in_forks(input: Any, weight: Any, **kwargs: Any) -> Any:
    """Compute a convolution of one image with one weight."""
    return input * weight
