"""The shell as a user has it: a process of its own, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

ATB = [sys.executable, "-c", "import sys; from atb_cli.main import main; sys.exit(main())"]


@dataclass(frozen=True)
class Done:
    """What a finished command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON object, which must be all of stdout's last line."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def said(self):
        """The last line of stderr."""
        return self.err.rstrip("\n").rpartition("\n")[2]


def environment(**extra):
    """This process's environment without what would change how things look."""
    kept = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "ATB_ARTIFACTS", "COLUMNS")
    }
    return {**kept, "PYTHONIOENCODING": "utf-8", **extra}


def run(*words, folder, timeout=300, **extra):
    done = subprocess.run(
        [*ATB, *map(str, words)],
        cwd=folder,
        env=environment(**extra),
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def atb_words():
    """The words that start the shell."""
    return ATB


@pytest.fixture(scope="session")
def atb_in():
    """Run `atb WORDS...` in a folder."""
    return run


@pytest.fixture
def atb(tmp_path):
    """Run `atb WORDS...` in an empty folder of this test."""

    def here(*words, **extra):
        return run(*words, folder=tmp_path, **extra)

    return here
