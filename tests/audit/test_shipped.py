"""Nothing that comes with atb is accused; the same things, spoilt, are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atb import presets
from atb.audit import rows
from atb.config.data import HISTORIES
from atb.config.features import SETS, market_of, width
from atb.workspace import Workspace

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BARS = 40
SMALL = {"fast": "price", "ridge": "ofi"}  # with a set that is quickly computed


@pytest.fixture(scope="module")
def histories():
    here = Workspace(Path())
    return {market: rows.of(data(), None, here) for market, data in HISTORIES.items()}


def audited(name: str, histories, features: str | None = None):
    from atb.audit import preset

    config = presets.resolve(name, "SAMPLE", features=features).config
    return preset.audit(config, histories[config.data.kind], BARS)


def test_every_feature_is_in_one_of_the_largest_sets() -> None:
    from atb.audit import shipped

    largest = shipped.largest_sets()
    assert {m for name in largest for m in SETS[name]} == {m for s in SETS.values() for m in s}
    assert "technical" not in largest


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_no_feature_is_accused(name: str, histories) -> None:
    from atb.audit import shipped

    audit = shipped.audit(name, histories[market_of(name)], BARS)
    assert [found for found in audit.findings if found.verdict != "clean"] == []
    assert len(audit.findings) == width(name)


@pytest.mark.parametrize("name", SMALL)
def test_no_small_recipe_is_accused(name: str, histories) -> None:
    audit = audited(name, histories, SMALL[name])
    assert audit.clean, audit.to_json()
    assert len(audit.checks) == 9


@pytest.mark.slow
@pytest.mark.parametrize("name", presets.names())
def test_no_recipe_is_accused(name: str, histories) -> None:
    audit = audited(name, histories)
    assert audit.clean, audit.to_json()


def test_a_feature_that_looks_ahead_is_found(histories, monkeypatch) -> None:
    from atb.audit import shipped
    from atb.features import price

    honest = price.low_distance
    monkeypatch.setattr(price, "low_distance", lambda bars: shifted(honest(bars)))
    part = histories["candles"].rows(0, 100)
    findings = shipped.examine(shipped.layer("price"), part, BARS, shipped.CHANGED)
    found = {finding.name: finding for finding in findings if finding.verdict != "clean"}
    assert found.keys() == {"low_distance"}
    assert found["low_distance"].rows == BARS
    assert (found["low_distance"].ahead, found["low_distance"].read) == (1, ("low", "close"))


def shifted(series):
    from keras import ops

    return ops.concatenate([series[:, 1:], series[:, -1:]], axis=1)


def test_a_lookback_that_is_too_short_is_found(histories, monkeypatch) -> None:
    from dataclasses import replace

    from atb.audit import shipped
    from atb.config.features import FEATURES

    flow = FEATURES["ofi_1"]
    monkeypatch.setitem(FEATURES, "ofi_1", replace(flow, parameters=(3,)))
    findings = shipped.audit("ofi", histories["book"], BARS).findings
    assert [finding.verdict for finding in findings] == ["lookback", *["clean"] * 4]


def test_a_dataset_that_is_not_what_its_features_are_is_found(histories, monkeypatch) -> None:
    from dataclasses import replace

    from atb.audit import preset

    honest = preset.build.build

    def late(*arguments):
        dataset = honest(*arguments)
        return replace(dataset, matrix=np.concatenate([dataset.matrix[1:], dataset.matrix[-1:]]))

    monkeypatch.setattr(preset.build, "build", late)
    found = audited("fast", histories, SMALL["fast"]).faults
    assert {fault.check for fault in found} >= {"inputs", "windows"}
