"""From candles to a registered model that says quantiles, and what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atb.presets import create_config_from_preset


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tail_risk", "bayesian"])
def test_quantiles_are_served_judged_and_shown(
    market_data: Path, tmp_path: Path, preset: str
) -> None:
    import pandas as pd

    from atb.config.training import TrainingConfig
    from atb.market.files import read
    from atb.pipeline import train_model
    from atb.registry.integrity import verify
    from atb.runtime import scoring
    from atb.runtime.session import Session

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    config = create_config_from_preset(preset, "BTCUSDT")
    data = config.data.model_copy(update={"path": file})
    config = TrainingConfig.model_validate({**dict(config), "data": data})
    made = train_model(config, artifacts=tmp_path)

    verify(made.path)
    metrics = json.loads((made.path / "metrics.json").read_text())
    tails = metrics["tails"]
    assert made.summary["tails"] == tails
    assert len(tails["tails"]) == 2
    page = (made.path / "report.html").read_text()
    assert tails["verdict"] in page
    assert "Christoffersen" in page

    session, history = Session.open(made.path), read(file, "BTCUSDT", "1h")
    assert session.levels is not None
    assert session.levels.quantiles == tuple(one["level"] for one in tails["pinball"])
    ends = scoring.whole(session, history)[-tails["rows"] - 1 : -1]
    windows = scoring.gathered(session, history, ends)
    said = np.concatenate([session.distribution(one) for one in windows])
    actual = np.log(history.price[ends + 1] / history.price[ends])
    shares = (actual[:, np.newaxis] < said[:, :2]).mean(axis=0)
    kept = pd.read_parquet(made.path / "predictions.parquet")
    names = [name for name in kept if name.startswith(("quantile_", "shortfall_"))]
    np.testing.assert_allclose(kept[names], said, rtol=1e-3, atol=1e-6)
    judged = [tail["model"]["share"] for tail in tails["tails"]]
    assert shares == pytest.approx(judged, abs=1.5 / tails["rows"])
