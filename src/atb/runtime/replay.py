"""A registered model traded on candles, or on a book, that it may never have seen.

Knows the model's folder and its serving graph; nothing of how it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.clock import iso, parse_time
from atb.config.trading import TRADINGS, AnyTrading, Trading
from atb.config.training import TrainingConfig, from_json
from atb.errors import DataError, UsageError, nearest
from atb.events import Listener, Warned, silent
from atb.market.access import load_history
from atb.market.history import History
from atb.registry import document
from atb.registry.integrity import verify
from atb.runtime.scoring import score
from atb.workspace import Workspace


@dataclass(frozen=True)
class Said:
    """What a model says of the rows of a file.

    Attributes:
        model: the model's folder.
        config: the recipe it was made by.
        learned_until: close of the last row it learned from, ISO 8601, UTC.
        predictions: with rows of `history`.
        history: the rows of the file.
        synthetic: whether they, or those the model learned from, were simulated.
    """

    model: Path
    config: TrainingConfig
    learned_until: str
    predictions: Predictions
    history: History
    synthetic: bool

    @property
    def horizon(self) -> int:
        """Rows ahead that are predicted."""
        return self.config.target.horizons[0]


@dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        backtest: the trades' figures beside those of a naive rule.
        said: what was traded.
        trading: the positions, threshold and costs it was traded with.
    """

    backtest: Result
    said: Said
    trading: Trading


def replay(
    model: Path,
    path: Path,
    *,
    start: str | None = None,
    end: str | None = None,
    trading: Mapping[str, Any] | None = None,
    listen: Listener = silent,
) -> Replay:
    """Trade a model's predictions on the candles, or the book, of a file.

    Args:
        model: the model's folder; every checksum is verified before anything is parsed.
        path: the file, with rows as the model knows them.
        start: first row to predict at, ISO 8601, UTC; earlier ones only warm up.
        end: rows before this time.
        trading: what shall differ from the rules the model was judged with: by a name that the
            trading's `options` know, as `fee`, or by a field, as `costs.sell_fee`.
        listen: told when the rows begin within the period the model learned from, or are of
            another market as their file says.

    Raises:
        UsageError: for a field that the model's trading does not have.
        IntegrityError: when the folder is not what its manifest says.
        DataError: when the rows are damaged, or none completes a window.
    """
    verify(model)
    config = recipe(model)
    spec = changed(config.trading, trading or {}).over(config.target.horizons[0])
    return traded(speak(model, rows(config, path, end, listen), start), spec, listen)


def recipe(model: Path) -> TrainingConfig:
    """The recipe in the folder of a verified model."""
    return from_json((model / "config.json").read_text(), str(model / "config.json"))


def rows(config: TrainingConfig, path: Path, end: str | None, listen: Listener) -> History:
    """The rows of a file before a time, as a recipe counts them."""
    found = load_history(config.symbol, config.data.of_file(path), Workspace(Path()), listen)
    if end is None:
        return found
    return found.rows(0, int(np.searchsorted(found.time, parse_time(end), "left")))


def speak(model: Path, history: History, start: str | None) -> Said:
    """What a verified model says of rows, from a time on; errors are those of `replay`."""
    metadata = document.read(model / "metadata.json")
    predictions = _since(score(model, history), history, start)
    synthetic = history.synthetic or metadata["synthetic"]
    return Said(model, recipe(model), metadata["learned_until"], predictions, history, synthetic)


def traded(said: Said, spec: AnyTrading, listen: Listener) -> Replay:
    """The backtest of what a model said; warns where it learned from these rows."""
    first = int(said.history.close_time[said.predictions.rows[0]])
    if first < parse_time(said.learned_until):
        until = said.learned_until
        listen(Warned(f"the model learned from rows up to {until}; trust only later ones"))
    return Replay(hooks.find(spec)(said.predictions, said.history, spec), said, spec)


def changed(trading: AnyTrading, given: Mapping[str, Any]) -> AnyTrading:
    """How the model was judged, but for what is given.

    Raises:
        UsageError: for a name that its trading does not have, or a value it refuses.
    """
    fields = trading.model_dump()
    for name, value in given.items():
        for dotted in trading.options.get(name, (name,)):
            *path, last = dotted.split(".")
            block: Any = fields
            for part in path:
                block = block.get(part) if isinstance(block, dict) else None
            if not isinstance(block, dict) or last not in block:
                raise _unknown(trading, name, block)
            block[last] = value
    return type(trading).of(**fields)


def _unknown(trading: AnyTrading, name: str, block: Any) -> UsageError:
    """A setting that this trading does not have."""
    what = f"{trading.way}: there is no such setting"
    if any(name in other.options for other in TRADINGS.values()):
        return UsageError(what, where=f"--{name.replace('_', '-')}", remedy="leave it out")
    known = block if isinstance(block, dict) else type(trading).model_fields
    return UsageError(what, where=f"--set {name}", remedy=nearest(name.rpartition(".")[2], known))


def _since(predictions: Predictions, history: History, start: str | None) -> Predictions:
    """The predictions made at rows from `start` on; earlier rows only warm up."""
    if start is None:
        return predictions
    kept = history.time[predictions.rows] >= parse_time(start)
    if not kept.any():
        raise DataError(
            f"no prediction is made at or after {start}",
            where=history.source,
            remedy=f"the last row is of {iso(int(history.time[-1]))}; give an earlier --start",
        )
    return Predictions(predictions.rows[kept], predictions.value[kept], predictions.unit)
