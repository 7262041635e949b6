"""File with implementations of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

KERNELS = '''
from convgauge import implementation

@implementation(framework="numpy", algorithm="fft", name="quick", declines={"groups": "only one"}, source="a paper")
def one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """First line.

    More."""
    return input

def two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Plain."""
    return input

def narrow(input, weight, conv_param):
    return input

class Box:
    @staticmethod
    def conv(input, weight, bias=None, **rest):
        return input

number = 7
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    return path
