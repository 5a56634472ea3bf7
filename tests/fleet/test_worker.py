"""The life of a job's process, seen from within."""

from __future__ import annotations

import subprocess
import sys

LEAVING = """
import os, signal
from atb.fleet import worker
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
os.kill(os.getpid(), signal.SIGINT)
worker._leave_terminal()
assert os.getpgrp() == os.getpid()
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("only the second one is heard")
"""


def test_an_interrupt_held_back_since_before_it_began_was_its_parents() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("only the second one is heard\n", "")
