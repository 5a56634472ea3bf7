"""What the processes of a plan do with models: evaluate, compare, look for drift, promote.

Models are named by the keys under which they are written down as done. Knows which rows are taken;
every figure is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import review, rivals
from atb.clock import iso, parse_time
from atb.config.data import AnyData
from atb.errors import DataError, IntegrityError
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import judge
from atb.events import Listener, Stopwatch
from atb.market import histories
from atb.market.history import History
from atb.plans import done
from atb.registry import document
from atb.registry.version import Version
from atb.rivals import Contender
from atb.runtime import drift
from atb.workspace import Workspace

Json = dict[str, Any]
Int64 = npt.NDArray[np.int64]
Keys = Mapping[str, str]  # of what trained models, by its node


def evaluate(
    symbol: str,
    data: AnyData,
    sha256: str,
    models: Keys,
    sample: float,
    artifacts: Path,
    key: str,
    listen: Listener,
) -> Json:
    """Judge models beside naive forecasts on the newest test rows that all of them predicted.

    Args:
        symbol: the market.
        data: its rows.
        sha256: of these rows.
        models: what is judged.
        sample: share of those rows.
        artifacts: root folder.
        key: under which it is written down.
        listen: told of stages.

    Raises:
        DataError: when fewer rows are left than an interval can be said of.
        IntegrityError: when a model is not as it was written.
    """
    workspace = Workspace(artifacts)
    with Stopwatch(listen).stage("evaluation"):
        history = histories.read(workspace, sha256, symbol, data)
        read = {name: rivals.read(one) for name, one in _versions(workspace, models).items()}
        shared = reduce(np.intersect1d, [one.tested.time for one in read.values()])
        times = _newest(shared, sample)
        judged = {name: _judged(one, history, times) for name, one in read.items()}
    span = {"rows": len(times), "first": iso(int(times[0])), "last": iso(int(times[-1]))}
    return _kept(workspace, key, {**span, "sample": sample, "models": judged})


def _newest(times: Int64, sample: float) -> Int64:
    """The newest share of test rows."""
    count = round(sample * len(times))
    if count < rivals.FEWEST:
        raise DataError(
            f"{sample:g} of {len(times):,} shared test rows are {count}, "
            f"{rivals.FEWEST} are needed",
            where="sample",
            remedy="take a larger share, or more data",
        )
    return times[-count:]


def _judged(one: Contender, history: History, times: Int64) -> Json:
    """The verdict on a model's predictions at some of its test rows."""
    metadata = document.read(one.version.path / "metadata.json")
    labels = drift.outcomes_of(one.config, metadata, history)
    first, last = map(parse_time, metadata["dataset"]["periods"]["train"])
    learned = (history.time >= first) & (history.time <= last) & np.isfinite(labels)
    rows = np.searchsorted(history.time, times)
    horizon = one.config.target.horizons[0]
    evidence = Evidence(history.price, labels, np.flatnonzero(learned), rows, horizon)
    outcome = one.tested.outcome
    predicted = outcome.predicted[np.isin(one.tested.time, times)]
    trials = one.config.chosen.trials
    seed, output = one.config.training.seed, one.config.target.output
    verdict = judge(output, predicted, evidence, outcome.scale, seed, trials).to_json()
    return {"model": one.version.reference, **verdict}


def compare(models: Keys, against: str, artifacts: Path, key: str, listen: Listener) -> Json:
    """Compare models with one of them on the test rows that both predicted.

    Args:
        models: what is compared.
        against: node of the one that the others are compared with.
        artifacts: root folder.
        key: under which it is written down.
        listen: told of stages.

    Raises:
        UsageError: when they were asked different things.
        DataError: when they share too few rows, or do not agree on what came true there.
        IntegrityError: when one is not as it was written.
    """
    workspace = Workspace(artifacts)
    with Stopwatch(listen).stage("comparison"):
        found = _versions(workspace, models)
        pairs = {
            name: rivals.compare(one, found[against]).to_json()
            for name, one in found.items()
            if name != against
        }
    return _kept(workspace, key, {"against": against, "models": pairs})


def look_for_drift(
    symbol: str,
    data: AnyData,
    sha256: str,
    models: Keys,
    sample: float,
    artifacts: Path,
    key: str,
    listen: Listener,
) -> Json:
    """Compare the newest rows, and what models make of them, with those they were made with.

    Args:
        symbol: the market.
        data: its rows.
        sha256: of these rows.
        models: whose profiles are compared with.
        sample: share of all rows.
        artifacts: root folder.
        key: under which it is written down.
        listen: told of stages.

    Raises:
        IntegrityError: when a model is not as it was written, or has no profile.
        DataError: when the rows complete no window.
    """
    workspace = Workspace(artifacts)
    with Stopwatch(listen).stage("drift"):
        history = histories.read(workspace, sha256, symbol, data)
        first = len(history) - max(1, round(sample * len(history)))
        start, path = iso(int(history.time[first])), histories.path(workspace, sha256)
        found = {
            name: {"model": one.reference, **drift.watch(one.path, path, start=start).to_json()}
            for name, one in _versions(workspace, models).items()
        }
    return _kept(workspace, key, {"start": start, "sample": sample, "models": found})


def promote(models: Keys, gates: str, artifacts: Path, key: str, listen: Listener) -> Json:
    """Let the best of some models run, if it passes the gates.

    The best is the one whose figure is furthest above its naive forecast's, as a share of it.

    Raises:
        GateRefusedError: with every gate's answer, when one of them refuses.
        IntegrityError: when a model is not as it was written.
    """
    workspace = Workspace(artifacts)
    with Stopwatch(listen).stage("promotion"):
        found = _versions(workspace, models)
        best = min(found.values(), key=_share_of_naive)
        why = f"the best of {len(found)} of a plan"
        _, entry = review.promote(workspace, best, gates=gates, why=why)
    return _kept(workspace, key, {"model": entry.model, "at": entry.at, "gates": gates})


def _share_of_naive(version: Version) -> float:
    """How large a model's loss is beside the naive one's; of a score, how much smaller it is."""
    found = document.read(version.path / "metrics.json")["headline"]
    value, naive = float(found["value"]), float(found["naive"])
    return naive / value if found["rising"] else value / naive


def _versions(workspace: Workspace, models: Keys) -> dict[str, Version]:
    """The models that were trained under these keys.

    Raises:
        IntegrityError: when one is not there, or not as it was.
    """
    found = {}
    for name, key in models.items():
        record = done.read(workspace, key)
        if record is None:
            raise IntegrityError(
                f"the model {name} is not what was trained",
                where=str(workspace.model_root),
                remedy="the same command trains it again",
            )
        found[name] = done.model(workspace, record)
    return found


def _kept(workspace: Workspace, key: str, result: Json) -> Json:
    record = {"result": result}
    done.write(workspace, key, record)
    return record
