"""Start of a worker process in an unsuitable Python: it replies with the reason in the format of the protocol."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from convgauge import worker
from convgauge.process.replies import decode
from convgauge.worker.messages import LoadFailed
from convgauge.worker.protocol import LENGTH

BOOT = Path(worker.__file__).with_name("boot.py")
OLD_PYTHON = (
    "import runpy, sys; sys.version_info = (3, 8, 0); sys.argv = ['boot.py', '0', '1'];"
    f" runpy.run_path({str(BOOT)!r}, run_name='__main__')"
)


def test_an_old_python_is_refused_with_a_reply() -> None:
    process = subprocess.run([sys.executable, "-c", OLD_PYTHON], stdout=subprocess.PIPE, check=False)
    assert process.returncode == 1
    assert LENGTH.unpack_from(process.stdout) == (len(process.stdout) - LENGTH.size,)
    reply = decode(process.stdout[LENGTH.size :])
    assert isinstance(reply, LoadFailed)
    assert reply.error.startswith(f"Python 3.9 or newer is needed, and {sys.executable} is")
