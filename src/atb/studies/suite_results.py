"""What a suite comes to, as one plain JSON object read from its models' folders.

`book`: symbol, source, rows, times, hash, clock. `windows` and `periods` by part. `baselines`: by
name and horizon, accuracy, macro F1 and Matthews correlation of who needs no model. `models`: by
member, where it is, what it is, how long it took and, by horizon, each metric with its 95 %
interval, the difference to the best baseline in accuracy and the confusion matrix; then the figures
of the backtest. `failures`: by member, the error. `words`: what it comes to, line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atb import __version__, bootstrap
from atb.clock import iso, now_ms
from atb.errors import AtbError
from atb.registry import document, integrity
from atb.studies.suite import Suite

METRICS = ("accuracy", "macro_f1", "mcc", "r2")
BASELINES = ("random", "majority", "last_move")
DECIDING = "accuracy"  # the metric by which a model is above the baselines or is not

Json = dict[str, Any]


def of(suite: Suite, failures: Mapping[str, AtbError]) -> Json:
    """The results of the members that have a model, and why others have none.

    Raises:
        IntegrityError: when a model is not as it was written.
    """
    metadata = {
        name: _metadata(suite.model(name)) for name in suite.members if name not in failures
    }
    metrics = {name: document.read(suite.model(name) / "metrics.json") for name in metadata}
    judged = {name: _judged(suite, name, metrics[name]) for name in metadata}
    first = next(iter(metadata.values()), None)
    models = {
        name: {
            **_model(suite, name, metadata[name]),
            "horizons": {horizon: _figures(verdict) for horizon, verdict in judged[name].items()},
            "backtest": metrics[name]["backtest"],
        }
        for name in metadata
    }
    return {
        "suite": suite.name,
        "path": str(suite.path),
        "created": iso(now_ms()),
        "atb": __version__,
        "symbol": next(iter(suite.members.values())).symbol,
        "book": _book(first) if first else None,
        "windows": first["dataset"]["windows"] if first else {},
        "periods": first["dataset"]["periods"] if first else {},
        "horizons": sorted(
            {int(horizon) for one in models.values() for horizon in one["horizons"]}
        ),
        "baselines": {name: _baseline(name, judged) for name in BASELINES},
        "models": models,
        "failures": {name: error.to_json() for name, error in failures.items()},
        "words": [*_other_rows(metadata), *_words(models)],
    }


def _metadata(model: Path) -> Json:
    integrity.verify(model)
    return document.read(model / "metadata.json")


def _judged(suite: Suite, name: str, metrics: Json) -> dict[str, Json]:
    """The verdicts by horizon; a line's on its moves are joined with those on its decisions."""
    first = str(suite.members[name].target.horizons[0])
    own = {first: metrics, **metrics.get("horizons", {})}
    if name not in suite.lines:
        return own
    decisions = document.read(suite.decisions(name))
    return {horizon: _joined(own[horizon], decisions[horizon]) for horizon in own}


def _joined(move: Json, decided: Json) -> Json:
    """Both verdicts; what both have is that of the decisions."""
    parts = ("metrics", "intervals", "baselines", "differences")
    return {**decided, **{part: {**move[part], **decided[part]} for part in parts}}


def _book(metadata: Json) -> Json:
    names = ("source", "synthetic", "rows", "first", "last")
    return {
        **{name: metadata["data"][name] for name in names},
        "sessions": metadata["data"]["gaps"] + 1,
        "sha256": metadata["data_sha256"],
        **{name: metadata[name] for name in ("clock", "every", "levels", "tick")},
    }


def _baseline(name: str, judged: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """Metrics of one baseline by horizon, as the first model that has that horizon was told."""
    found: dict[str, Json] = {}
    for by_horizon in judged.values():
        for horizon, verdict in by_horizon.items():
            known = verdict["baselines"].get(name, {})
            figures = {metric: known[metric] for metric in METRICS if metric in known}
            if "macro_f1" in figures:  # those of moves have other baselines of the same name
                found.setdefault(horizon, figures)
    return found


def _model(suite: Suite, name: str, metadata: Json) -> Json:
    """What a model is and how it was trained."""
    training, recipe = metadata["training"], suite.members[name]
    return {
        "path": str(suite.model(name)),
        "version": metadata["version"],
        "output": recipe.target.output,
        "architecture": recipe.model.architecture,
        "features": metadata["features"],
        "window": metadata["window"],
        "parameters": training["parameters"],
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "reason": training["reason"],
        "batch": training["batch"],
        "accumulation": training["accumulation"],
        "seconds": metadata["stages"]["training"],
    }


def _figures(verdict: Json) -> Json:
    """One horizon of one model."""
    values, intervals = verdict["metrics"], verdict["intervals"]
    return {
        "metrics": {
            name: dict(zip(("value", "low", "high"), (values[name], *intervals[name]), strict=True))
            for name in METRICS
            if name in values
        },
        "difference": verdict["differences"].get(DECIDING),
        "verdict": verdict["verdict"],
        "confusion": verdict["confusion"],
    }


def _other_rows(metadata: Mapping[str, Json]) -> Iterator[str]:
    """A warning where models were tested on other rows than the first one."""
    periods = {name: one["dataset"]["periods"] for name, one in metadata.items()}
    for name, own in periods.items():
        first = next(iter(periods))
        if own != periods[first]:
            yield f"compare with care: {name} was tested on other rows than {first}"


def _words(models: Mapping[str, Json]) -> Iterator[str]:
    """Which models are above every baseline, and which are not to be told from one."""
    above, partly, noise = [], [], []
    for name, model in models.items():
        clear = [horizon for horizon, one in model["horizons"].items() if _is_above(one)]
        if len(clear) == len(model["horizons"]):
            above.append(name)
        elif clear:
            partly.append(f"{name} ({', '.join(clear)})")
        else:
            noise.append(name)
    said = {
        "more accurate than the best baseline at every horizon": above,
        "more accurate than the best baseline at some horizons": partly,
        "level with the best baseline in accuracy, within noise, or below it": noise,
    }
    for what, names in said.items():
        if names:
            yield f"{what}: {', '.join(names)}"
    count = sum(len(model["horizons"]) for model in models.values())
    if count:
        lucky = count * (1 - bootstrap.LEVEL) / 2
        yield f"of {count} comparisons at 95 %, {lucky:.1f} would lie above by luck alone"


def _is_above(judged: Json) -> bool:
    """Whether the interval of the difference to the best baseline lies above zero."""
    return bool(judged["difference"] and judged["difference"]["low"] > 0)
