"""The door to training: everything that can be refused is refused here, before anything slow.

It reads the data, then lets the walk begin; it knows nothing of what the hops do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from atb import backend
from atb.backtest import hooks
from atb.config.features import lookback
from atb.config.training import TrainingConfig
from atb.dataset.split import require_rows
from atb.events import Listener, Stopwatch, silent
from atb.extras import require_installed
from atb.market.load import load
from atb.targets.build import build
from atb.workspace import Workspace

if TYPE_CHECKING:
    from atb.walk import TrainingResult


def train_model(
    config: TrainingConfig, *, artifacts: Path | str = "artifacts", listen: Listener = silent
) -> TrainingResult:
    """Train, judge, export and register one model.

    Args:
        config: the whole recipe.
        artifacts: root folder of everything written.
        listen: told of stages, epochs and warnings as they happen.

    Raises:
        AtbError: of the kind that says what went wrong; nothing is registered then.
    """
    require_installed("train")
    workspace = Workspace(Path(artifacts))
    workspace.require_writable(workspace.models(config.symbol, config.name))
    hook = hooks.find(config.trading.hook)
    watch = Stopwatch(listen)
    with watch.stage("data"):
        candles = load(config.symbol, config.data, workspace, listen)
        reach = config.window + lookback(config.features)
        require_rows(len(candles), reach, config.target.horizon, config.dataset, candles.source)
        labels = build(config.target, candles, config.dataset.max_gap)
    with watch.stage("startup"):
        backend.prepare(config.training.seed)
        from atb.walk import walk  # not earlier: it imports TensorFlow
    return walk(config, candles, labels, hook, workspace, watch)
