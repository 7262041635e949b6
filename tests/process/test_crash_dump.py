"""Dumps of Python's fault handler: what a kernel printed remains in view, however long the dump is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from convgauge import worker
from convgauge.process.crash_dump import ERROR, MAX_FRAMES, condense_dump

SERVER = Path(worker.__file__).with_name("server.py")
DUMP = f"""\
the last words
{ERROR}Aborted

Thread 0x00007f51c7fd86c0 (most recent call first):
  File "/usr/lib/python3.12/threading.py", line 1010 in run
  <no Python frame>

Current thread 0x00007f51c8b2db80 (most recent call first):
  File "/home/user/kernel.py", line 4 in inner
  File "/home/user/kernel.py", line 6 in conv
  File "{SERVER}", line 60 in serve

Extension modules: {", ".join(f"package.module_{index}" for index in range(500))} (total: 500)
"""


def test_a_dump_is_reduced_to_the_error_and_the_frames_of_the_kernel() -> None:
    assert condense_dump(DUMP) == (
        "the last words\n"
        f"{ERROR}Aborted\n"
        "Current thread (most recent call first):\n"
        '  File "/home/user/kernel.py", line 4 in inner\n'
        '  File "/home/user/kernel.py", line 6 in conv'
    )


def test_text_after_a_dump_and_text_without_one_remain() -> None:
    assert condense_dump(DUMP + "printed by a child\n").endswith(" in conv\nprinted by a child")
    assert condense_dump("a line\n\nExtension modules: none\n") == "a line\n\nExtension modules: none\n"


def test_a_dump_of_this_python_is_understood() -> None:
    code = (
        "import os, threading\n"
        "def descend(depth):\n"
        "    descend(depth - 1) if depth else os.abort()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "print('the last words', flush=True)\n"
        "descend(9)\n"
    )
    process = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    words, error, thread, *frames = condense_dump(process.stdout).splitlines()
    assert (words, error) == ("the last words", f"{ERROR}Aborted")
    assert thread == "Current thread (most recent call first):"
    assert len(frames) == MAX_FRAMES
    assert all(frame == '  File "<string>", line 3 in descend' for frame in frames)
