"""Models of every release load in this one, and answer as they did then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atb import __version__
from atb.market.candles import COLUMNS, Candles
from atb.registry.version import Version
from atb.runtime import scoring
from atb.runtime.predictor import Predictor
from atb.runtime.session import Session

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path.name[0] != "_")


def model_of(release: str) -> Version:
    (folder,) = (GOLDEN / release).glob("*/*/*/")
    return Version.at(folder)


def kept(release: str) -> tuple[Candles, dict[str, np.ndarray]]:
    """The candles that were given, and what came of them."""
    with np.load(GOLDEN / release / "answers.npz", allow_pickle=False) as file:
        content = dict(file)
    columns = {name: content.pop(name) for name in ("time", *COLUMNS)}
    return Candles.from_columns("BTCUSDT", "1h", columns, synthetic=True), content


def test_this_release_is_among_them():
    assert __version__ in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_it_answers_as_it_did(release):
    candles, then = kept(release)
    said, features = scoring.observe(model_of(release).path, candles)
    assert said.rows.tolist() == then["rows"].tolist() and len(said) > 50
    assert said.value == pytest.approx(then["value"], abs=1e-6)
    assert np.ptp(then["value"]) > 1e-5  # or the line above would say nothing
    assert features == pytest.approx(then["features"], abs=1e-6, rel=1e-5)


@pytest.mark.parametrize("release", RELEASES)
def test_it_answers_bar_by_bar_as_it_did(release):
    candles, then = kept(release)
    predictor = Predictor.of(model_of(release))
    answers = [predictor.update(candles.bar(row)) for row in range(len(candles))]
    said = {row: answer.output for row, answer in enumerate(answers) if answer}
    assert list(said) == then["rows"].tolist()
    assert list(said.values()) == pytest.approx(then["value"].tolist(), abs=1e-6)


@pytest.mark.parametrize("release", RELEASES)
def test_it_is_marked_synthetic(release):
    assert Session.open(model_of(release).path).says["synthetic"] == "true"
    assert json.loads((model_of(release).path / "metadata.json").read_text())["synthetic"] is True
