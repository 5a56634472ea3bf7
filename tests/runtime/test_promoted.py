"""A pointer that is followed when it moves, and not read when it does not."""

from __future__ import annotations

import pytest

from atb.clock import HOUR_MS
from atb.errors import DataError, IntegrityError, UsageError
from atb.presets import resolve
from atb.registry import promotion
from atb.runtime.promoted import Promoted, opened


@pytest.fixture
def promoted(workspace) -> Promoted:
    return Promoted(workspace, "BTCUSDT", "1h", lambda: 0, HOUR_MS)


def test_a_pointer_that_stands_still_is_not_read(registered, promote, promoted, monkeypatch):
    promote(registered())
    serving = promoted.require()
    monkeypatch.setattr(promotion, "promoted", None)
    assert promoted.look() is serving and promoted.trouble is None


def test_the_model_that_runs_already_keeps_its_window(registered, promote, promoted, workspace):
    version = registered()
    promote(version)
    serving = promoted.require()
    pointer = workspace.model_root / "BTCUSDT" / promotion.POINTER
    pointer.write_bytes(pointer.read_bytes())  # written anew, to the same model
    assert promoted.look() is serving


def test_another_model_takes_its_place(registered, promote, promoted, workspace):
    one, two = registered(1, trading={"threshold": 5.0}), registered(2)
    promote(one)
    assert promoted.require().trading.threshold == 5.0
    promote(two)
    serving = promoted.look()
    assert serving is not None and serving.version == two
    assert serving.trading.sizing.horizon == 1  # what Kelly's rule goes by
    promotion.rollback(workspace, "BTCUSDT", "worse")
    assert promoted.look().version == one


def test_trouble_is_tried_again(registered, promote, promoted, workspace):
    assert promoted.look() is None
    assert promoted.trouble is not None and "no model of BTCUSDT is promoted" in promoted.trouble
    version = registered()
    promote(version)
    assert promoted.look().version == version and promoted.trouble is None
    (workspace.model_root / "BTCUSDT" / promotion.POINTER).unlink()
    assert promoted.look() is None


def test_a_dropped_model_is_opened_anew(registered, promote, promoted):
    promote(registered())
    before = promoted.require()
    promoted.drop("it said nothing")
    assert (promoted.serving, promoted.trouble) == (None, "it said nothing")
    assert promoted.look() is not before and promoted.trouble is None


def test_at_the_beginning_trouble_is_an_error(registered, promote, promoted):
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        promoted.require()
    promote(registered(timeframe="4h"))
    with pytest.raises(DataError, match="BTCUSDT in bars of 4h, what comes is BTCUSDT in bars of"):
        promoted.require()


def test_a_model_of_bonds_does_not_take_the_place_of_one_of_candles(registered, promote, promoted):
    promote(registered(1))
    assert promoted.require()
    config = resolve("fast", "BTCUSDT", bonds="yields.csv").config.model_dump(mode="json")
    promote(registered(2, **{"config.json": config}))
    assert promoted.look() is None
    assert "is of market bonds, not of candles" in str(promoted.trouble)


def test_a_disk_that_refuses_is_trouble_like_any_other(
    registered, promote, promoted, workspace, monkeypatch
):
    promote(registered())
    promoted.require()
    monkeypatch.setattr(promotion, "POINTER", "x" * 300)  # no file system has such a name
    assert promoted.look() is None and "too long" in promoted.trouble


def test_what_is_opened_says_what_a_loop_asks(registered):
    serving = opened(registered(synthetic=True, trading={"volatility_bars": 30}))
    assert (serving.synthetic, serving.profile, serving.max_gap) == (True, None, 0)
    assert serving.trading.volatility_bars == 30
    assert serving.target.horizons == (1,)


def test_a_damaged_model_is_not_opened(registered):
    version = registered()
    version.onnx.write_bytes(b"")
    with pytest.raises(IntegrityError, match="it has 0 bytes"):
        opened(version)
