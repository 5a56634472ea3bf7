"""Backtests from entry points: built-in ones, one of another package, and broken ones."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from atb.backtest import event_driven, hooks, touch, vectorised
from atb.config.trading import TouchTrading, TradingSpec
from atb.errors import ConfigError, UsageError

ROOT = Path(__file__).parents[2]
MODULE = """
from atb.backtest.hooks import trades
from atb.backtest.vectorised import run
from dataclasses import replace

def twice(predictions, candles, spec):
    made = run(predictions, candles, spec)
    return replace(made, equity=made.equity * 2)

def broken(predictions, candles, spec):
    made = run(predictions, candles, spec)
    return replace(made, equity=made.equity * float("nan"))

def careless(predictions, candles, spec):
    return {"profit": 1e9}

@trades("book")
def bookish(predictions, book, spec):
    return len(book)

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
    names = ("twice", "broken", "careless", "bookish", "constant", "absent")
    points = "".join(f"{name} = foreign_backtests:{name}\n" for name in names)
    (metadata / "entry_points.txt").write_text(f"[atb.backtests]\n{points}")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def market(make, predict):
    return predict([0, 1], [1.0, -1.0]), make([100, 110, 120], 130), TradingSpec()


def test_the_built_in_ones_are_found_by_the_default_names(market):
    found = hooks.find(TradingSpec())(*market)
    assert found.equity.tolist() == vectorised.run(*market).equity.tolist()
    assert hooks.find(TouchTrading()).__wrapped__ is touch.run


def test_every_backtest_that_is_declared_is_there():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    found = {
        name: EntryPoint(name, value, hooks.GROUP).load()
        for name, value in declared[hooks.GROUP].items()
    }
    assert found == {
        "vectorised": vectorised.run,
        "event_driven": event_driven.run,
        "touch": touch.run,
    }


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'vectorized'; did you mean 'vectorised'\?"):
        hooks.find(TradingSpec(hook="vectorized"))


def test_another_package_brings_its_own(installed, market):
    found = hooks.find(TradingSpec(hook="twice"))(*market)
    assert found.equity.tolist() == (vectorised.run(*market).equity * 2).tolist()


def test_a_hook_that_returns_something_else_is_named(installed, market):
    hook = hooks.find(TradingSpec(hook="careless"))
    with pytest.raises(ConfigError, match=r"'careless' \(foreign_backtests:careless\): returned d"):
        hook(*market)


def test_a_hook_whose_figures_are_none_is_refused(installed, market):
    with pytest.raises(ConfigError, match=r"foreign_backtests:broken.*no finite number"):
        hooks.find(TradingSpec(hook="broken"))(*market)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            TouchTrading(hook="vectorised"),
            "trades candles and bonds, and this recipe is of market book",
        ),
        (TouchTrading(hook="twice"), "trades candles"),
        (TradingSpec(hook="bookish"), "trades book, and this recipe is of market candles"),
    ],
)
def test_a_hook_of_another_market_is_refused_before_it_is_called(installed, spec, message):
    with pytest.raises(ConfigError, match=message):
        hooks.find(spec)


def test_a_hook_of_a_book_says_so_and_returns_a_result_too(installed):
    hook = hooks.find(TouchTrading(hook="bookish"))
    with pytest.raises(ConfigError, match="returned int"):
        hook([], [1, 2], TouchTrading())


@pytest.mark.parametrize(
    ("name", "message"), [("constant", "of type int"), ("absent", "no such fun")]
)
def test_an_entry_point_that_names_no_function_is_refused(installed, name, message):
    with pytest.raises(ConfigError, match=message):
        hooks.find(TradingSpec(hook=name))
