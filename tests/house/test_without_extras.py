"""Where the libraries of an extra are not installed, a command that needs them says which."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from atb.extras import LIBRARIES

ABSENT = sorted(name for names in LIBRARIES.values() for name in names)
COMMANDS = {
    "train model BTCUSDT": "train",
    "train resume RUN": "train",
    "train lob BOOK": "train",
    "train cv BTCUSDT": "train",
    "train compare BTCUSDT": "train",
    "train ensemble BTCUSDT --kind seed --preset fast": "train",
    "tune BTCUSDT": "train",
    "export onnx BTCUSDT/fast --quantize static": "train",
    "audit planted": "train",
    "audit lookahead": "train",
    "audit lookahead --features price": "train",
    "audit lookahead --preset fast": "train",
    "audit lookahead --module mine.py": "audit",
}
# What is absent cannot be found by the finder of installed packages.
RUN = """
import contextlib, importlib.machinery, io, json, sys

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in absent:
            return super().find_spec(name, path, target)

absent, commands = map(json.loads, sys.argv[1:])
sys.meta_path.append(Finder)
sys.meta_path.remove(importlib.machinery.PathFinder)
from atb_cli.main import main
ended = {}
for command in commands:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        ended[command] = main(command.split()), said.getvalue().splitlines()[-1]
print(json.dumps(ended))
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """How each command ends, and its last line, all of them in one process."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "mine.py").write_text("def change(candles): return candles.close.diff()\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(ABSENT), json.dumps(list(COMMANDS))],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", COMMANDS)
def test_it_names_what_to_install(command, ended):
    code, said = ended[command]
    assert (code, said.startswith("error: ")) == (6, True), said
    assert "not installed" in said
    assert f"pip install 'atb[{COMMANDS[command]}]'" in said
