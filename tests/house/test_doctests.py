"""Every example in a docstring is true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
SHOWING = sorted(path for path in SOURCES.rglob("*.py") if ">>> " in path.read_text())


@pytest.mark.parametrize("path", SHOWING, ids=lambda path: path.stem)
def test_examples_do_what_they_show(path: Path) -> None:
    name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    done = doctest.testmod(import_module(name.removesuffix(".__init__")))
    assert done.attempted and not done.failed
