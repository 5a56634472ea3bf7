"""A small model of this release and what it answers, kept so that later releases still serve it.

    python tests/runtime/golden/make.py

Trains on candles of the simulator, so everything in it is synthetic, and writes a folder named for
the release beside this file: the model's folder with what serving reads of it, and `answers.npz`
with the candles that were given and what came of them. Made once for each release, never again.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

import atb
from atb import presets
from atb.market import sample
from atb.market.candles import COLUMNS, Candles
from atb.registry import manifest
from atb.registry.version import Version
from atb.runtime import scoring

FILES = ("config.json", "metadata.json", "metrics.json", "model.onnx", "profile.json")
SMALL = ("window=12", "model.filters=[4]", "model.units=[6, 4]", "model.dense=[4]")
HOURS = 260
FROM, SEED = 1_704_067_200_000, 11  # 2024-01-01


def trained(artifacts: Path) -> Version:
    """A tiny model of simulated hours."""
    options = {"source": "sample", "start": "2023-01-01", "end": "2023-04-01", "epochs": 2}
    recipe = presets.resolve("fast", "BTCUSDT", assignments=SMALL, **options)
    return Version.at(atb.train_model(recipe.config, artifacts=artifacts).path)


def keep(version: Version, folder: Path) -> Path:
    """A copy of what serving reads of a model, with a manifest of that."""
    place = folder / version.symbol / version.name / version.version
    place.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(version.path / name, place / name)
    manifest.write(place)
    return place


def answer(model: Path, candles: Candles, path: Path) -> None:
    """Write what the model says of candles beside them."""
    said, features = scoring.observe(model, candles)
    columns = {name: getattr(candles, name) for name in ("time", *COLUMNS)}
    answers = {"rows": said.rows, "value": said.value, "features": features}
    np.savez_compressed(path, **columns, **answers)


def main() -> None:
    """Train, keep and answer."""
    folder = Path(__file__).parent / atb.__version__
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as artifacts:
        model = keep(trained(Path(artifacts)), folder)
    hours = sample.simulate("BTCUSDT", "1h", FROM, FROM + HOURS * 3_600_000, SEED)
    answer(model, hours, folder / "answers.npz")


if __name__ == "__main__":
    main()
