"""Backtests from entry points: the built-in one, one of another package, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb.backtest import hooks, vectorised
from atb.config.trading import TradingSpec
from atb.errors import ConfigError, UsageError

MODULE = """
from atb.backtest.vectorised import run
from dataclasses import replace

def twice(predictions, candles, spec):
    made = run(predictions, candles, spec)
    return replace(made, equity=made.equity * 2)

def careless(predictions, candles, spec):
    return {"profit": 1e9}

constant = 3
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with entry points of its own on the path."""
    (tmp_path / "foreign_backtests.py").write_text(MODULE)
    metadata = tmp_path / "foreign_backtests-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: foreign-backtests\nVersion: 1\n"
    )
    names = ("twice", "careless", "constant", "absent")
    points = "".join(f"{name} = foreign_backtests:{name}\n" for name in names)
    (metadata / "entry_points.txt").write_text(f"[atb.backtests]\n{points}")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def market(make, predict):
    return predict([0, 1], [1.0, -1.0]), make([100, 110, 120], 130), TradingSpec()


def test_the_built_in_one_is_found_by_the_default_name(market):
    found = hooks.find(TradingSpec().hook)(*market)
    assert found.equity.tolist() == vectorised.run(*market).equity.tolist()


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'vectorized'; did you mean 'vectorised'\?"):
        hooks.find("vectorized")


def test_another_package_brings_its_own(installed, market):
    found = hooks.find("twice")(*market)
    assert found.equity.tolist() == (vectorised.run(*market).equity * 2).tolist()


def test_a_hook_that_returns_something_else_is_named(installed, market):
    hook = hooks.find("careless")
    with pytest.raises(ConfigError, match=r"'careless' \(foreign_backtests:careless\): returned d"):
        hook(*market)


@pytest.mark.parametrize(
    ("name", "message"), [("constant", "of type int"), ("absent", "no such fun")]
)
def test_an_entry_point_that_names_no_function_is_refused(installed, name, message):
    with pytest.raises(ConfigError, match=message):
        hooks.find(name)
