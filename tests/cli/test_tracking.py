"""`--tensorboard` alone, with a folder, or left out; `--mlflow` with an address."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from atb import extras
from atb.errors import ResourceError
from atb.report.sinks.publish import Sinks
from atb_cli import tracking


def asked(*words):
    found = []

    @click.command()
    @click.argument("symbol")
    @click.option("--json", "as_json", is_flag=True)
    @tracking.options
    def command(symbol, as_json, tensorboard, mlflow):
        found.append(tracking.sinks(tensorboard, mlflow, Path("art")))

    done = CliRunner().invoke(command, ["BTCUSDT", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return found[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Sinks()),
        (["--tensorboard"], Sinks(Path("art/tensorboard"))),
        (["--tensorboard", "--json"], Sinks(Path("art/tensorboard"))),
        (["--tensorboard", "boards"], Sinks(Path("boards"))),
        (["--mlflow", "http://127.0.0.1:5000"], Sinks(None, "http://127.0.0.1:5000")),
    ],
)
def test_the_options_say_where_trainings_are_told_of(words, expected):
    assert asked(*words) == expected


def test_what_is_not_installed_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(extras.LIBRARIES, "tensorboard", ("no_such_library",))
    with pytest.raises(ResourceError, match="no_such_library"):
        asked("--tensorboard")
