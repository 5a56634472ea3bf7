"""Fixtures every test may use: where the market data lies, and a prepared TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

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
