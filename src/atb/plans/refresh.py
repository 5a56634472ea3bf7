"""The promoted model made anew on newer rows, and promoted in its place if it deserves it.

Made for a clock: one at a time for a symbol, nothing where nothing is new, and a call that was
killed is taken up by the next one. Knows the order of the steps; what each does is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from atb import atomic, cache, review, rivals
from atb.clock import parse_time
from atb.config.architectures import AnyNetwork
from atb.config.data import AnyData, CandleData
from atb.config.features import lookback
from atb.config.training import TrainingConfig, from_json
from atb.dataset.build import usable_ends
from atb.dataset.split import chronological
from atb.errors import ConfigError, DataError, GateRefusedError
from atb.events import Listener, Noted, Stopwatch, silent
from atb.market import histories
from atb.market.access import load_history
from atb.market.history import History
from atb.plans import done, jobs, newest
from atb.registry import document, gate_file, integrity, promotion
from atb.registry.version import Version
from atb.runtime import drift
from atb.targets.build import build
from atb.workspace import Workspace, check_symbol

Policy = Literal["auto", "warm", "anew"]
State = Literal["unchanged", "promoted", "refused"]


@dataclass(frozen=True)
class Refreshed:
    """What came of it.

    Attributes:
        symbol: the market.
        state: `unchanged` where nothing was new, `promoted`, or `refused`: another model is kept
            and does not run.
        running: the model that runs now.
        rows: how many are newer than those of the model that ran.
        model: the new model, or the one that was made of these rows before; None for none.
        way: `warm` or `anew`, how it began; None where there is none.
        drift: the verdict on the newer rows, in words; None where they were not looked at.
        newest: the new model beside the one that ran, JSON-ready; None where they were not paired.
        refused: gates that refuse the new model, `newest` among them if it is worse there.
    """

    symbol: str
    state: State
    running: str
    rows: int
    model: str | None = None
    way: str | None = None
    drift: str | None = None
    newest: dict[str, Any] | None = None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Task:
    """What is refreshed, from which rows, and where."""

    workspace: Workspace
    running: Version
    config: TrainingConfig
    metadata: dict[str, Any]
    history: History
    sha256: str
    newer: int


def refresh(
    symbol: str,
    *,
    artifacts: Path | str = "artifacts",
    candles: Path | None = None,
    policy: Policy = "auto",
    gates: str = "default",
    listen: Listener = silent,
) -> Refreshed:
    """Train the promoted model of a symbol on newer rows; promote it if it passes the gates.

    Args:
        symbol: the market; one of its models is promoted.
        artifacts: root folder of everything written.
        candles: file of its rows, old and new; by default those of the model's own recipe up to
            now: its file, or what the exchange has.
        policy: begin with the promoted model's weights (`warm`), or with none (`anew`); `auto` does
            the former, unless the newer rows have drifted or it is not possible.
        gates: name or file of the limits.
        listen: told of stages, epochs and warnings.

    Raises:
        UsageError: when no model of the symbol is promoted, or there are no such gates.
        DataError: when the rows cannot be had, are damaged or simulated.
        StorageError: when another process refreshes the symbol.
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: as training and promotion do.
    """
    workspace = Workspace(Path(artifacts))
    limits = gate_file.read(gates)
    lock = workspace.plans / "refresh" / f"{check_symbol(symbol)}.lock"
    running = promotion.promoted(workspace, symbol)  # before a folder is made for the lock
    with atomic.locked(lock, 0.0, taken=f"another process refreshes {symbol}"):
        task = _task(workspace, running, candles, listen)
        key = done.key_of("refresh", running.reference, task.sha256, policy, limits.model_dump())
        before = done.read(workspace, key) or {}
        if task.newer < rivals.FEWEST or before:
            made = before.get("model")
            return Refreshed(symbol, "unchanged", running.reference, task.newer, made)
        _require_network(task, policy)
        with cache.held([histories.path(workspace, task.sha256)]):
            found = _refreshed(task, policy, gates, listen)
        made = workspace.model_root / str(found.model)
        done.write(workspace, key, done.of_model(Version.at(made)))
    return found


def _require_network(task: _Task, policy: Policy) -> None:
    if policy == "warm" and not isinstance(task.config.model, AnyNetwork):
        raise ConfigError(
            f"a model of architecture {task.config.model.architecture} gives no weights",
            where=task.running.reference,
            remedy="leave out --policy warm",
        )


def _task(workspace: Workspace, running: Version, candles: Path | None, listen: Listener) -> _Task:
    """The promoted model and its rows up to now."""
    integrity.verify(running.path)
    config = from_json((running.path / "config.json").read_text(), str(running.path))
    metadata = document.read(running.path / "metadata.json")
    data = _up_to_now(config.data, candles)
    with Stopwatch(listen).stage("data"):
        history = load_history(config.symbol, data, workspace, listen)
        if history.synthetic:
            raise DataError(
                "they are simulated, and no model of simulated rows is promoted",
                where=history.source,
                remedy="give real ones with --candles PATH",
            )
        sha256 = histories.keep(workspace, history)
    newer = int(np.sum(history.time > parse_time(metadata["data"]["last"])))
    config = config.model_copy(update={"data": data, "warm_start": None})
    return _Task(workspace, running, config, metadata, history, sha256, newer)


def _up_to_now(data: AnyData, path: Path | None) -> AnyData:
    """Where the rows of a recipe are had from, without an end."""
    if path is not None:
        return data.of_file(path)
    if not isinstance(data, CandleData):
        return data
    source = "file" if data.path else "binance"
    return data.model_copy(update={"source": source, "end": None})


def _refreshed(task: _Task, policy: Policy, gates: str, listen: Listener) -> Refreshed:
    """Look for drift, train, judge and promote."""
    workspace, path = task.workspace, histories.path(task.workspace, task.sha256)
    with Stopwatch(listen).stage("drift"):
        seen = drift.watch(task.running.path, path, listen=listen).drift
    way = _way(task, policy, seen.drifted)
    listen(Noted(f"{task.newer:,} newer rows, {seen.words()}: training begins {_BEGINS[way]}"))
    begin = task.running.reference if way == "warm" else None
    config = task.config.model_copy(update={"warm_start": begin})
    recipe = config.model_dump(mode="json", exclude={"data"})
    key = done.key_of("train", recipe, config.data.facts(), task.sha256)
    record = jobs.train(config, task.sha256, workspace.root, key, listen)
    made = done.model(workspace, record)
    with Stopwatch(listen).stage("promotion"):
        found = newest.beside(made, task.running, task.history)
        refused = _promoted(workspace, made, found, gates)
    now = promotion.promoted(workspace, made.symbol).reference
    return Refreshed(
        made.symbol,
        "refused" if refused else "promoted",
        now,
        task.newer,
        made.reference,
        way,
        seen.words(),
        found.to_json() if found else None,
        refused,
    )


_BEGINS = {"warm": "with the weights of the promoted model", "anew": "anew"}


def _way(task: _Task, policy: Policy, drifted: bool) -> str:
    if policy != "auto":
        return policy
    return "anew" if drifted or not _can_go_on(task) else "warm"


def _can_go_on(task: _Task) -> bool:
    """Whether the promoted model has weights to begin with, and has learned from no test row."""
    config, history = task.config, task.history
    if not isinstance(config.model, AnyNetwork):
        return False
    labels = build(config.target, history, config.dataset.max_gap)
    ends, _ = usable_ends(
        np.zeros((len(history), 1), np.float32),
        labels,
        history.segments(config.dataset.max_gap),
        config.window,
        lookback(config.features),
        config.dataset.first_end,
    )
    first = chronological(ends, labels.known_at[ends], config.dataset).test[0]
    return parse_time(task.metadata["learned_until"]) <= int(history.close_time[first])


def _promoted(
    workspace: Workspace, made: Version, found: newest.Newest | None, gates: str
) -> tuple[str, ...]:
    """Promote a model that deserves it; else the gates that refuse it."""
    enough = found is not None and found.rows >= gate_file.read(gates).minimum_shared_rows
    rivalry = found.rivalry() if found is not None and enough else None
    why = "refreshed on newer rows"
    try:
        review.promote(workspace, made, gates=gates, why=why, rivalry=rivalry)
    except GateRefusedError as refusal:
        return tuple(str(one["gate"]) for one in refusal.findings if not one["passed"])
    return ()
