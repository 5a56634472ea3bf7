"""What is written down about a training: metadata, metrics, the summary for people and machines.

It knows what each hop returned and turns it into plain JSON; it decides nothing.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from atb import __version__, environment
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.clock import iso, now_ms, parse_time
from atb.code import code_sha256
from atb.config.features import columns, definition_sha256, lookback
from atb.config.training import TrainingConfig
from atb.evaluation.profit import Earned
from atb.evaluation.reliability import Coverage, Reliability
from atb.evaluation.tails import Distribution, Tails
from atb.evaluation.verdict import Verdict
from atb.export.opset import OPSET
from atb.market.history import History
from atb.registry.served import LEVELS, SHORTFALL

if TYPE_CHECKING:  # these would bring TensorFlow and scikit-learn into memory
    from atb.dataset.build import Dataset
    from atb.dataset.learner import Fitted, Quantiles
    from atb.export.parity import Parity

ORDER = "oldest first"  # of the rows in a window


@dataclass(frozen=True)
class Run:
    """Everything one walk produced, before it is saved.

    `served` `[M, K]` or `[M, K, 3]` is what was predicted of every horizon for test rows,
    `predictions` the horizon that is traded; verdicts and calibrations are by horizon; a model that
    says quantiles has their `distribution` for test rows and its `tails`; `notes` say how it began:
    with which model, with which batch.
    """

    version: str
    config: TrainingConfig
    history: History
    dataset: Dataset
    fitted: Fitted
    served: npt.NDArray[np.float64]
    predictions: Predictions
    verdicts: Mapping[int, Verdict]
    calibrations: Mapping[int, Reliability | Coverage]
    backtest: Result
    earned: Earned
    parity: Parity
    notes: Mapping[str, Any]
    distribution: Distribution | None = None
    tails: Tails | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the horizon that is traded."""
        return self.verdicts[self.config.target.horizons[0]]

    @property
    def learned_until(self) -> int:
        """Close in ms UTC of the last bar that any of the model's weights learned from."""
        labels, learned = self.dataset.labels, self.dataset.split.validation
        own = int(self.history.close_time[labels.known_at[learned].max()])
        parent = self.notes.get("warm_start")
        return max(own, parse_time(parent["learned_until"])) if parent else own


def data(history: History) -> dict[str, Any]:
    """Which history a model learned from."""
    return {
        "source": history.source,
        "synthetic": history.synthetic,
        "rows": len(history),
        "first": iso(int(history.time[0])),
        "last": iso(int(history.time[-1])),
        "gaps": history.breaks,
    }


def facts(version: str, config: TrainingConfig, history: History) -> dict[str, Any]:
    """What a model must say of itself wherever it goes: its input, its target, its origin."""
    return {
        "version": version,
        "symbol": config.symbol,
        "market": history.kind,
        **config.data.facts(),
        **history.facts(),
        "columns": ",".join(history.columns),
        "order": ORDER,
        "features": config.features,
        "feature_names": list(columns(config.features)),
        "features_sha256": definition_sha256(config.features),
        "window": config.window,
        "lookback": lookback(config.features),
        "max_gap": config.dataset.max_gap,
        "target": config.target.kind,
        "horizon": config.target.model_dump(mode="json")["horizon"],
        "synthetic": history.synthetic,
        "data_sha256": history.sha256(),
        "config_sha256": config.sha256(),
        "opset": OPSET,
        "atb": __version__,
        "libraries": environment.libraries(),
    }


def levels(known: Quantiles | None) -> dict[str, list[float]]:
    """Which quantiles a model says, and of which the mean beyond; nothing where it says none."""
    return {} if known is None else {LEVELS: [*known.levels], SHORTFALL: [*known.shortfall]}


def properties(
    version: str, config: TrainingConfig, history: History, quantiles: Quantiles | None = None
) -> dict[str, str]:
    """The same facts as the text that a serving graph carries, one with quantiles their levels."""
    known = facts(version, config, history) | levels(quantiles)
    return {
        name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in known.items()
    }


def metadata(run: Run, stages: dict[str, float]) -> dict[str, Any]:
    """Where a model came from and what it needs: enough to train it again."""
    split = run.dataset.split
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    periods = {name: run.history.time[ends[[0, -1]]] for name, ends in parts.items()}
    return {
        **facts(run.version, run.config, run.history),
        **levels(run.fitted.quantiles),
        "created": iso(now_ms()),
        "data": {**data(run.history), **run.config.data.facts()},
        "dataset": {
            "windows": {name: len(ends) for name, ends in parts.items()},
            "periods": {name: [iso(int(t)) for t in times] for name, times in periods.items()},
            "dropped": run.dataset.dropped,
            "scaling": run.dataset.scaling.to_dict(),
            "target_scale": run.dataset.target_scale.tolist(),
            "target_offset": run.dataset.target_offset.tolist(),
            **_thresholds(run.dataset),
        },
        "training": {
            "epochs": len(run.fitted.history),
            "best_epoch": run.fitted.best_epoch,
            "reason": run.fitted.reason,
            "parameters": run.fitted.parameters,
            "seed": run.config.training.seed,
            "threads": 1,
            **run.fitted.means,
        },
        "learned_until": iso(run.learned_until),
        "warm_start": None,
        **run.notes,
        "parity": run.parity.to_json(),
        "stages": stages,
        "python": platform.python_version(),
        "code_sha256": code_sha256(),
    }


def _thresholds(dataset: Dataset) -> dict[str, list[float]]:
    """Moves in basis points beyond which a label is up or down, by horizon, where it has any."""
    found = dataset.labels.thresholds
    return {} if found is None else {"thresholds": found.tolist()}


def metrics(run: Run) -> dict[str, Any]:
    """How good the model is, beside its baselines, on test rows; other horizons a level down."""
    first, *others = run.verdicts
    return {
        **of_horizon(run, first),
        **({"horizons": {str(h): of_horizon(run, h) for h in others}} if others else {}),
        **({"tails": run.tails.to_json()} if run.tails else {}),
        "backtest": run.backtest.to_json() | {"significance": run.earned.to_json()},
    }


def of_horizon(run: Run, horizon: int) -> dict[str, Any]:
    """How good the predictions of one horizon are, and how far their calibration is borne out."""
    calibration = run.calibrations[horizon].to_json()
    return run.verdicts[horizon].to_json() | {"calibration": calibration}


def summary(run: Run, path: Path, stages: dict[str, float]) -> dict[str, Any]:
    """One object for a script: where the model is and how it did."""
    return {
        "version": run.version,
        "path": str(path),
        "onnx": str(path / "model.onnx"),
        "symbol": run.config.symbol,
        "preset": run.config.name,
        "data": data(run.history),
        **metrics(run),
        "parity": run.parity.to_json(),
        "stages": stages,
        "epochs": len(run.fitted.history),
    }
