"""Tries many values of a recipe's fields side by side and writes the best as a preset.

A study that was stopped or killed goes on when the same is asked for again. Only validation rows
decide; how one recipe is learned is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atb import atomic, presets
from atb.backtest import hooks
from atb.config.folds import FoldSpec
from atb.config.search import combinations
from atb.config.training import TrainingConfig
from atb.errors import AtbError, ConfigError, ResourceError, StoppedError, UsageError
from atb.events import Event, Listener, Noted, Progress, Stopwatch, Within, silent
from atb.extras import require_installed
from atb.fleet import limits
from atb.fleet.engine import Engine
from atb.fleet.engines.local import Local
from atb.fleet.job import Job
from atb.pipeline import history_for
from atb.studies import side_by_side, tune_jobs, tune_results, tuned_preset
from atb.studies.folded import recipes_of
from atb.studies.study import RESULTS, on_the_same_rows
from atb.studies.tuning import KIND, Tuning, first_values
from atb.workspace import Workspace

EACH = 10  # trials of a process at most
WHAT_TO_WRITE = (
    "search: {window: {choice: [30, 60, 90]}, training.learning_rate: {log_range: [5e-4, 1e-2]}}"
)


def tune(
    recipe: presets.Recipe,
    *,
    trials: int = 50,
    cv: bool = False,
    output: Path | None = None,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    engine: Engine | None = None,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Try recipes, or what is left of a study begun earlier, and write the best as a preset.

    Args:
        recipe: of a preset with a search block.
        trials: recipes to be tried; the first is the preset as it is where that is possible.
        cv: whether each is measured on folds before the test part, not on one validation part.
        output: the preset file; None for `PRESET-tuned.yaml` in the study's folder.
        artifacts: root folder of everything written.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        engine: that carries out the trials; None for this machine.
        listen: told of what happens, in each of them too.

    Returns:
        The results as `atb.studies.tune_results` describes them, and `output`.

    Raises:
        UsageError: for what cannot be tuned, or a file that is not to be replaced.
        ConfigError: for a search that can give what is no valid recipe.
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when nothing can be begun, or a trial failed for a reason that can be mended.
    """
    require_installed("train")
    require_installed("tune")
    if output is not None:
        tuned_preset.require_preset_name(output)
    possible = recipes(recipe, trials, cv)
    base = _base(recipe, possible[0].dataset.first_end, cv)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    with Stopwatch(listen).stage("data"):
        history = history_for([*possible, *_folds(base)], workspace, listen)
    search = {name: one.model_dump(mode="json") for name, one in recipe.preset.search.items()}
    settings = {"trials": trials, "search": search}
    study = Tuning.taken_up(KIND, workspace, {base.name: base}, history, settings)
    path = output or study.path / f"{base.name}-tuned.yaml"
    tuned_preset.require_free(path, study.name)
    with study.held():
        first = first_values(study.search, study.config)
        study.journal().plan(trials, first)
        _say_where_it_stands(study, listen)
        _try(study, at_once, engine or Local(at_once), _overall(listen))
        results = tune_results.of(study, history, first)
        _write(path, recipe, study, results)
        results["output"] = str(path)
        atomic.write_json(study.path / RESULTS, results)  # last: with it the study is finished
    return results


def recipes(recipe: presets.Recipe, trials: int, cv: bool) -> list[TrainingConfig]:
    """The recipes at the corners of what is searched, all with their first window at the same row.

    Raises:
        UsageError: for what cannot be tuned.
        ConfigError: for a field that must not be searched, or a value it cannot have, naming the
            file and the line.
    """
    _require_tunable(recipe, trials, cv)
    search = recipe.preset.search
    for name, dimension in search.items():  # one by one first, for the line that is wrong
        for value in dimension.corners():
            presets.searched(recipe, {name: value})
    found = {str(n): presets.searched(recipe, one) for n, one in enumerate(combinations(search))}
    return list(on_the_same_rows(found).values())


def _require_tunable(recipe: presets.Recipe, trials: int, cv: bool) -> None:
    config, fold = recipe.config, recipe.config.dataset.fold
    if not recipe.preset.search:
        raise ConfigError(
            "has no search block, so there is nothing to try",
            where=str(recipe.preset.path),
            remedy=f"add a line such as {WHAT_TO_WRITE}",
        )
    if trials < 1:
        raise UsageError(f"{trials} trials", where="--trials", remedy="try one recipe or more")
    if config.warm_start is not None:
        raise UsageError(
            f"trials begin with weights of chance, not with those of {config.warm_start}",
            where="--from",
            remedy="leave it out",
        )
    if fold is not None and not cv:
        raise UsageError(
            "the recipe is one fold of a cross-validation", where="dataset.fold", remedy="add --cv"
        )
    if fold is not None and fold.scheme == "combinatorial":
        raise UsageError(
            "groups that are tested together cannot be traded as one",
            where="dataset.fold.scheme",
            remedy="take walk-forward, expanding or kfold",
        )
    hooks.find(config.trading)


def _base(recipe: presets.Recipe, first_end: int, cv: bool) -> TrainingConfig:
    """The recipe as every trial has it, but for what is searched."""
    dataset = recipe.config.dataset
    fold = (dataset.fold or FoldSpec()).model_copy(update={"number": 0, "before_test": True})
    changed = {"first_end": first_end, "fold": fold if cv else None}
    return recipe.config.model_copy(update={"dataset": dataset.model_copy(update=changed)})


def _folds(base: TrainingConfig) -> list[TrainingConfig]:
    """The folds that a recipe is measured on; none where it is measured once."""
    scheme = base.dataset.fold
    return [] if scheme is None else list(recipes_of(base, scheme).values())


def _say_where_it_stands(study: Tuning, listen: Listener) -> None:
    left = len(study.missing())
    over = f", {study.trials - left} are over" if left < study.trials else ""
    listen(Noted(f"study {study.name}: {study.trials} trials{over}"))


def _try(study: Tuning, at_once: int | None, engine: Engine, listen: Listener) -> None:
    """Carry out the trials that are not over.

    Raises:
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when trials failed for a reason that can be mended.
    """
    here = isinstance(engine, Local)
    count = limits.of_machine(at_once, study.logs).processes if here else study.trials
    while missing := study.missing():
        try:
            asked = _jobs(study, count)
            failures = side_by_side.carry_out(study, asked, at_once, listen, engine)
        except StoppedError as stop:
            over = study.trials - len(study.missing())
            what = f"stopped: {over} of {study.trials} trials are over"
            raise StoppedError(what, where=stop.where, remedy=stop.remedy) from stop
        _settle(study, failures)
        if failures and len(study.missing()) == len(missing):
            raise _nothing_moves(study, failures)


def _jobs(study: Tuning, at_once: int) -> list[Job]:
    """Processes enough for all trials; those that were left half done are shared out.

    As many as trials, which workers elsewhere share, take one each.
    """
    trials = study.journal().trials()
    left = [trial.number for trial in trials if trial.state == "running"]
    waiting = sum(trial.state == "waiting" for trial in trials)
    missing = len(left) + waiting
    count = max(min(at_once, missing), math.ceil(missing / EACH))
    each = 1 if count == missing else EACH
    return [
        Job(
            name,
            tune_jobs.try_recipes,
            {"study": study, "worker": name, "left": left[index::count], "count": each},
        )
        for index, name in enumerate(f"worker-{number + 1}" for number in range(count))
    ]


def _settle(study: Tuning, failures: Mapping[str, AtbError]) -> None:
    """Count a trial that killed its process as failed: it would do so again.

    Raises:
        AtbError: why a process gave up, where that can be mended.
    """
    journal = study.journal()
    for trial in journal.trials():
        error = failures.get(trial.notes.get("worker", ""))
        if trial.state == "running" and _died(error):
            journal.begin(trial.number).fail(str(error))
    for name, error in failures.items():
        if not _died(error):
            left = f"{len(study.missing())} of {study.trials} trials are not over"
            remedy = "the same command tries again what failed"
            raise type(error)(f"{left}; {name}: {error}", remedy=remedy)


def _died(error: AtbError | None) -> bool:
    """Whether the process itself died, by a bug or for want of memory."""
    return isinstance(error, ResourceError) or type(error) is AtbError


def _nothing_moves(study: Tuning, failures: Mapping[str, AtbError]) -> AtbError:
    name, error = next(iter(failures.items()))
    return type(error)(f"no trial was begun; {name}: {error}", where=study.name)


def _overall(listen: Listener) -> Listener:
    """A listener that hears how many trials are over from each process, as of the whole study."""

    def told(event: Event) -> None:
        match event:
            case Within(_, Progress(tune_jobs.TRIALS)):
                listen(event.event)
            case Progress("jobs"):
                pass  # processes, not trials
            case _:
                listen(event)

    return told


def _write(path: Path, recipe: presets.Recipe, study: Tuning, results: dict[str, Any]) -> None:
    """The best recipe as a preset file."""
    best, name, symbol = results["best"], recipe.config.name, results["symbol"]
    count = results["trials"]["asked"]
    chosen = tune_results.selection(results, recipe.config.selection)
    fields = tuned_preset.fields_of(recipe, best["values"], study.config.dataset.first_end, chosen)
    remarks = [f"Trial {best['trial']} of {count}; found by: atb tune", *results["words"]]
    said = f"{name} tuned on {symbol}: the best of {count} recipes"
    tuned_preset.write(path, said, remarks, fields)
