"""Checks every file of a folder in a process that knows no TensorFlow, and says what happened.

Run by `test_hostile.py`: `hostile.py FOLDER`. One line of JSON for each file: the error, seconds,
the most memory this process had by then, and whatever it did beside reading.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from atb.errors import AtbError
from atb.registry import plain

HEAVY = {"tensorflow", "keras", "h5py", "onnx", "skops", "sklearn"}
done: list[str] = []


def heard(event: str, words: tuple[Any, ...]) -> None:
    """Whatever is no reading: files opened to write, processes, sockets, code."""
    reading = event == "open" and not any(mark in str(words[1]) for mark in "wax+")
    if not reading and event.startswith(("open", "os.", "subprocess", "socket", "exec", "import")):
        done.append(f"{event} {str(words)[:80]}")


def most_memory() -> int:
    """MB of this process so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


"".encode("cp437")  # an encoding of zip, likewise imported before
sys.addaudithook(heard)
for path in sorted(Path(sys.argv[1]).iterdir()):
    done.clear()
    started, error, code = time.perf_counter(), "", 0
    try:
        plain.READERS[path.suffix](path)
    except AtbError as refusal:
        error, code = str(refusal), refusal.exit_code
    report = {"file": path.name, "error": error, "code": code, "done": list(done)}
    report |= {"seconds": time.perf_counter() - started, "memory": most_memory()}
    report["heavy"] = sorted(HEAVY & {*sys.modules})
    sys.stdout.write(json.dumps(report) + "\n")
