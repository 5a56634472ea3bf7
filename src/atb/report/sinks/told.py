"""What an event log says of one training, as every sink needs it: settings, curves, figures.

Knows no sink.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import event_log
from atb.errors import IntegrityError

_FIGURES = ("loss", "validation_loss", "seconds")


@dataclass(frozen=True)
class Epoch:
    """When an epoch ended, in ms UTC, and its figures by name."""

    time: int
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Told:
    """One training.

    Attributes:
        run: its name, which its model has too.
        symbol: the market.
        preset: the recipe's name.
        began: ms UTC.
        ended: of the last record, likewise.
        settings: the whole recipe and the environment, by dotted name.
        epochs: by number, from 1; of one that was gone through twice, the last.
        figures: test metrics as `test/rmse`, those of further horizons as `test_5/rmse`, seconds
            of stages as `seconds/training`.
        warnings: in their order.
    """

    run: str
    symbol: str
    preset: str
    began: int
    ended: int
    settings: Mapping[str, str]
    epochs: Mapping[int, Epoch]
    figures: Mapping[str, float]
    warnings: tuple[str, ...]


def told(path: Path) -> Told:
    """What the event log of a model's folder says.

    Raises:
        IntegrityError: when there is none, or it is damaged.
    """
    records = list(event_log.read(path))
    try:
        began = records[0]
        config, environment = began["config"], began["environment"]
        return Told(
            run=began["run"],
            symbol=config["symbol"],
            preset=config["name"],
            began=int(began["time"]),
            ended=int(records[-1]["time"]),
            settings=dict(_flat({**config, "environment": environment})),
            epochs=dict(_epoch(one) for one in records if one["event"] == "EpochEnded"),
            figures=dict(_figures(records)),
            warnings=tuple(str(one["message"]) for one in records if one["event"] == "Warned"),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            f"it is no event log of a training ({type(error).__name__}: {error})", where=str(path)
        ) from error


def _epoch(record: Mapping[str, Any]) -> tuple[int, Epoch]:
    """Its number, and the epoch."""
    figures = {**{name: record[name] for name in _FIGURES}, **record["scores"]}
    known = {name: float(one) for name, one in figures.items() if one is not None}
    return int(record["epoch"]), Epoch(int(record["time"]), known)


def _figures(records: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    first = next((one["horizon"] for one in records if one["event"] == "Measured"), None)
    for record in records:
        if record["event"] == "StageEnded":
            yield f"seconds/{record['stage']}", float(record["seconds"])
        elif record["event"] == "Measured":
            group = "test" if record["horizon"] == first else f"test_{record['horizon']}"
            for name, value in record["metrics"].items():
                if value is not None:
                    yield f"{group}/{name}", float(value)


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every setting by its dotted name."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, str(value)
