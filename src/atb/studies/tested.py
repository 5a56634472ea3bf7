"""A trained member as it is on its test rows, read back from its model's folder."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.clock import YEAR_MS
from atb.config.training import TrainingConfig
from atb.evaluation.metric import Outcome
from atb.market.history import History
from atb.registry import document, integrity
from atb.report import predicted
from atb.studies.study import Study

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Json = dict[str, Any]


@dataclass(frozen=True)
class Tested:
    """One trained member.

    Attributes:
        name: the member's.
        config: its recipe.
        facts: of its training, as `runs` in the results.
        metadata: its model's.
        naive: metrics of each baseline on its test rows.
        rows: `[M]` int64 test rows.
        outcome: its predictions there, of the horizon that is traded.
        steps: `[B]` float64 what each bar earned, net.
        rival: name and Sharpe ratio per square root of a year of the naive rule beside it.
        bars_per_year: of this market.
    """

    name: str
    config: TrainingConfig
    facts: Json
    metadata: Json
    naive: Json
    rows: Int64
    outcome: Outcome
    steps: Float64
    rival: Json
    bars_per_year: float


def read(study: Study, member: str, history: History) -> Tested:
    """A member's model, verified, and what its predictions would have earned.

    Raises:
        IntegrityError: when it is not as it was written.
    """
    path, config = study.model(member), study.members[member]
    integrity.verify(path)
    metadata, metrics = (document.read(path / name) for name in ("metadata.json", "metrics.json"))
    said = predicted.read(path, config, metadata)
    rows, outcome = np.searchsorted(history.time, said.time), said.outcome
    spec = config.trading.over(config.target.horizons[0])
    predictions = Predictions(rows, outcome.predicted, config.target.output)
    backtest = hooks.find(spec)(predictions, history, spec)
    return Tested(
        member,
        config,
        _facts(path, config, metadata, metrics),
        metadata,
        metrics["baselines"],
        rows,
        outcome,
        backtest.steps,
        {"name": backtest.rival, "sharpe": backtest.to_json()[backtest.rival]["sharpe"]},
        len(backtest.steps) * YEAR_MS / float(backtest.time[-1] - backtest.time[0]),
    )


def _facts(path: Path, config: TrainingConfig, metadata: Json, metrics: Json) -> Json:
    with (path / "history.csv").open(newline="") as stream:
        losses = [float(epoch["validation_loss"]) for epoch in csv.DictReader(stream)]
    training = metadata["training"]
    return {
        "path": str(path),
        "version": metadata["version"],
        "seed": config.training.seed,
        "seconds": metadata["stages"]["training"],
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "parameters": training["parameters"],
        "validation_loss": losses[training["best_epoch"] - 1],
        "verdict": metrics["verdict"],
    }
