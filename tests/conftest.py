"""Fixtures every test may use: the market data, a prepared TensorFlow, the results of a suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real market data; its absence fails in CI and skips elsewhere."""
    folder = Path(os.environ.get("ATB_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        message = f"no market data in {folder}; set ATB_TEST_DATA to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def tensorflow_ready() -> None:
    """TensorFlow imported quietly, on one thread, deterministic."""
    from atb.backend import prepare

    prepare(seed=7)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt; a shell that runs tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


_HORIZONS = (10, 50)


def _judged(output: str, accuracy: float) -> dict[str, Any]:
    """One model at one horizon."""
    metrics = {"accuracy": accuracy, "macro_f1": accuracy - 0.02, "mcc": 0.05}
    if output == "move":
        metrics["r2"] = 0.081
    return {
        "metrics": {
            name: {"value": value, "low": value - 0.011, "high": value + 0.012}
            for name, value in metrics.items()
        },
        "difference": {"baseline": "last_move", "estimate": 0.1, "low": 0.05, "high": 0.15},
        "verdict": "better than last move",
        "confusion": {
            "classes": ["down", "flat", "up"],
            "counts": [[301, 202, 103], [14, 505, 106], [7, 208, 1309]],
        },
    }


def _model(name: str, output: str, accuracy: float) -> dict[str, Any]:
    """One model."""
    ticks = {"per_trade": -2.345, "low": -3.0, "high": -1.5}
    traded = {f"{kind}_ticks_{key}": ticks[key] for kind in ("gross", "net") for key in ticks}
    traded |= {"trades": 1234, "win_rate": 0.25}
    return {
        "path": f"artifacts/models/GOOG/{name}/v1",
        "version": "v1",
        "output": output,
        "features": "lob40",
        "window": 100,
        "parameters": 60_691,
        "epochs": 7,
        "seconds": 123.4,
        "horizons": {str(h): _judged(output, accuracy + h / 1000) for h in _HORIZONS},
        "backtest": {**traded, "last_move": traded},
    }


def _results(models: int = 2, synthetic: bool = False, failed: bool = False) -> dict[str, Any]:
    """A line and networks on one book, and perhaps one that failed."""
    names = {"ridge": "move"} | {f"deeplob-{n}": "probabilities" for n in range(1, models)}
    naive = {"random": (1 / 3, 0.33), "majority": (0.361, 0.17), "last_move": (0.384, 0.29)}
    failures = {"tlob": {"error": "its process was <killed>", "exit_code": 6}}
    return {
        "suite": "20261121T120000Z-1a2b3c4d",
        "created": "2026-11-21T12:00:00Z",
        "atb": "0.1.0",
        "symbol": "GOOG",
        "book": {
            "source": "sample" if synthetic else "lobster",
            "synthetic": synthetic,
            "rows": 100_048,
            "first": "2012-06-21T13:30:00Z",
            "last": "2012-06-21T18:00:00Z",
            "sessions": 1,
            "sha256": "0" * 64,
        },
        "windows": {"train": 70_000, "validation": 14_000, "test": 14_321},
        "periods": {part: ["2012-06-21", "2012-06-21"] for part in ("train", "validation", "test")},
        "horizons": list(_HORIZONS),
        "baselines": {
            name: {str(h): {"accuracy": one, "macro_f1": two} for h in _HORIZONS}
            for name, (one, two) in naive.items()
        },
        "models": {
            name: _model(name, output, 0.40 + index / 100)
            for index, (name, output) in enumerate(names.items())
        },
        "failures": failures if failed else {},
        "words": ["above the best baseline: ridge", "noise: deeplob-1"],
    }


@pytest.fixture(scope="session")
def suite_results() -> object:
    """Makes a suite's results, as `atb.studies.suite_results` does, by hand and small."""
    return _results
