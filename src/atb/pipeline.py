"""The door to training: everything that can be refused is refused here, before anything slow.

It reads the data, then lets the walk begin; it knows nothing of what the hops do.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atb import backend, environment, parents, runs
from atb.backtest import hooks
from atb.config.architectures import Solved
from atb.config.optimisation import Optimisation
from atb.config.training import TrainingConfig
from atb.dataset import folds, split
from atb.errors import UsageError
from atb.event_log import EventLog
from atb.events import Event, Listener, Noted, Stopwatch, silent
from atb.extras import require_installed
from atb.market.access import load_history
from atb.market.history import History
from atb.registry.version import new_version
from atb.runs import Recipe, Run
from atb.targets.build import build
from atb.workspace import Workspace

if TYPE_CHECKING:
    from atb.learning import Learned
    from atb.walk import TrainingResult


def train_model(
    config: TrainingConfig,
    *,
    artifacts: Path | str = "artifacts",
    version: str | None = None,
    largest_batch: bool = False,
    history: History | None = None,
    listen: Listener = silent,
) -> TrainingResult:
    """Train, judge, export and register one model.

    Args:
        config: the whole recipe.
        artifacts: root folder of everything written.
        version: name of the run and of its model; by default the time.
        largest_batch: take the largest batch that memory holds, and a learning rate to go with it.
        history: the rows, where they were read before; None for those that the recipe names.
        listen: told of stages, epochs and warnings as they happen.

    Raises:
        StoppedError: when a signal stopped it; `resume_training` goes on.
        AtbError: of the kind that says what went wrong; nothing is registered then.
    """
    require_installed("train")
    require_whole(config)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable(workspace.models(config.symbol, config.name))
    hooks.find(config.trading)
    config, notes = _with_parent(workspace, config)
    log = EventLog(listen)
    watch = Stopwatch(log)
    with watch.stage("data"):
        if history is None:
            history = history_for([config], workspace, log)
        else:
            require_enough(config, len(history), history.source)
        recipe = Recipe(config, history, notes)
    if largest_batch:
        with watch.stage("batch"):
            recipe = _with_largest_batch(recipe, log)
    return _trained(runs.start(workspace, version or new_version(), recipe), recipe, watch, log)


def train_models(
    configs: Sequence[TrainingConfig],
    *,
    artifacts: Path | str = "artifacts",
    version: str | None = None,
    listen: Listener = silent,
) -> list[TrainingResult]:
    """Train straight lines side by side that differ in name and penalty only.

    Args:
        configs: recipes of linear models of one history, with the same features and target.
        artifacts: root folder of everything written.
        version: name that the runs and their models begin with; by default the time.
        listen: told of stages and warnings as they happen.

    Raises:
        ValueError: when the recipes differ in more than that, or are of other models.
        AtbError: of the kind that says what went wrong; nothing more is registered then.
    """
    require_installed("train")
    first = configs[0]
    require_whole(first)
    for config in configs:
        alike = {"name": first.name, "model": first.model}
        if config.model_copy(update=alike) != first:
            raise ValueError(f"{config.name} differs from {first.name} in more than its model")
    workspace = Workspace(Path(artifacts))
    for config in configs:
        workspace.require_writable(workspace.models(config.symbol, config.name))
    hook = hooks.find(first.trading)
    logs = [EventLog() for _ in configs]
    watch = Stopwatch(_all_of([*logs, listen]))
    with watch.stage("data"):
        history = history_for([first], workspace, watch.listen)
    recipes = [Recipe(config, history, {}) for config in configs]
    with ExitStack() as stack:
        begun = [
            runs.start(workspace, f"{version or new_version()}-{recipe.config.name}", recipe)
            for recipe in recipes
        ]
        for run, recipe, log in zip(begun, recipes, logs, strict=True):
            stack.enter_context(runs.kept_until_done(run))
            _begin(log, run, recipe)
        labels = build(first.target, history, first.dataset.max_gap)
        with watch.stage("startup"):
            backend.prepare(first.training.seed)
            from atb.walk import walk_together  # not earlier: it imports TensorFlow
        own = [_all_of([log, listen]) for log in logs]
        return walk_together(begun, recipes, labels, hook, watch, own)


def _all_of(listeners: Sequence[Listener]) -> Listener:
    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


def learn(
    recipe: Recipe, workspace: Workspace, checkpoints: Path, listen: Listener = silent
) -> Learned:
    """Learn in a process of a study: nothing is judged or registered, test rows are not predicted.

    Args:
        recipe: what is learned, from which history.
        workspace: where the model lies whose weights it may begin with.
        checkpoints: folder of the training's checkpoints; what lies there is taken up, so the same
            call goes on where it stopped.
        listen: told of stages and epochs.

    Raises:
        AtbError: as `train_model` does.
    """
    require_installed("train")
    config = recipe.config
    labels = build(config.target, recipe.history, config.dataset.max_gap)
    backend.prepare(config.training.seed)
    from atb import learning  # not earlier: it imports TensorFlow

    return learning.learn(recipe, labels, workspace, checkpoints, Stopwatch(listen))


def resume_training(
    run: str, *, artifacts: Path | str = "artifacts", listen: Listener = silent
) -> TrainingResult:
    """Go on with a training that stopped, from its newest checkpoint, on the candles it began with.

    Args:
        run: its name, or its folder.
        artifacts: root folder of the run, unless that is given as a folder.
        listen: told of stages, epochs and warnings as they happen.

    Raises:
        UsageError: when there is no such run, or its model is registered already.
        AtbError: as `train_model` does.
    """
    require_installed("train")
    log = EventLog(listen)
    watch = Stopwatch(log)
    with watch.stage("data"):
        found = runs.find(Workspace(Path(artifacts)), run)
        recipe = found.recipe()
        home = found.workspace.models(recipe.config.symbol, recipe.config.name)
        if (home / found.name).is_dir():  # killed after the model was registered
            runs.end(found)
            raise UsageError(f"this training is done: its model is {home / found.name}")
        found.workspace.require_writable(home)
    return _trained(found, recipe, watch, log)


def history_for(
    configs: Sequence[TrainingConfig], workspace: Workspace, listen: Listener
) -> History:
    """The rows that recipes of one history learn from, enough for each of them.

    Raises:
        UsageError: when source, path and symbol do not go together.
        DataError: when there are no such rows, they are damaged, or too few.
    """
    first = configs[0]
    history = load_history(first.symbol, first.data, workspace, listen)
    for config in configs:
        require_enough(config, len(history), history.source)
    return history


def require_whole(config: TrainingConfig) -> None:
    """Refuse to register a model of a fold: of some schemes it has learned from later rows.

    Raises:
        UsageError: when the recipe is one fold of a cross-validation.
    """
    if config.dataset.fold is not None:
        raise UsageError(
            f"a fold of {config.dataset.fold.scheme} makes no model to be kept",
            where="dataset.fold",
            remedy=f"atb train cv {config.symbol} trains and judges all folds",
        )


def require_enough(config: TrainingConfig, rows: int, source: str) -> None:
    """Refuse rows that are too few for a recipe, before anything slow starts.

    Raises:
        DataError: naming the file, or else the source.
    """
    reach = max(config.reach, config.dataset.first_end + 1)
    where, horizon = str(config.data.path or source), config.target.horizons[-1]
    if config.dataset.fold is None:
        more = config.data.more
        split.require_rows(rows, reach, horizon, config.dataset, where=where, more=more)
    else:
        folds.require_rows(rows, reach, horizon, config.dataset, where=where)


def _with_parent(
    workspace: Workspace, config: TrainingConfig
) -> tuple[TrainingConfig, dict[str, Any]]:
    """The recipe with the full name of the model it begins with, and a note of that model.

    The newest of a name may be another one by the time a run is resumed.
    """
    if config.warm_start is None:
        return config, {}
    parent = parents.find(workspace, config.warm_start, config)
    path = parent.version.path
    at_home = path.resolve().is_relative_to(workspace.model_root.resolve())
    name = parent.version.reference if at_home else str(path.absolute())
    return config.model_copy(update={"warm_start": name}), {"warm_start": parent.to_json()}


def _with_largest_batch(recipe: Recipe, listen: Listener) -> Recipe:
    """The recipe with another batch and learning rate, and a note of those it had."""
    config = recipe.config
    if isinstance(config.model, Solved):
        raise UsageError(
            f"{config.model.architecture} is solved at once: it has no batch to be chosen",
            remedy="leave the batch as it is",
        )
    backend.prepare(config.training.seed)
    from atb.training.batch_size import largest  # not earlier: it imports TensorFlow

    windows = int(config.dataset.train * len(recipe.history))
    choice = largest(config, windows)
    listen(
        Noted(f"batch {choice.batch}, learning rate {choice.learning_rate:.3g}: {choice.reason}")
    )
    chosen = {"batch": choice.batch, "learning_rate": choice.learning_rate}
    training = Optimisation.model_validate(config.training.model_dump() | chosen)
    notes = {**recipe.notes, "largest_batch": choice.to_json()}
    return Recipe(config.model_copy(update={"training": training}), recipe.history, notes)


def _trained(run: Run, recipe: Recipe, watch: Stopwatch, log: EventLog) -> TrainingResult:
    config = recipe.config
    with runs.kept_until_done(run):
        _begin(log, run, recipe)
        labels = build(config.target, recipe.history, config.dataset.max_gap)
        hook = hooks.find(config.trading)
        with watch.stage("startup"):
            backend.prepare(config.training.seed)
            from atb.walk import walk  # not earlier: it imports TensorFlow
        return walk(run, recipe, labels, hook, watch)


def _begin(log: EventLog, run: Run, recipe: Recipe) -> None:
    """Write the events of a run, so far and from now on, into its folder."""
    config = recipe.config.model_dump(mode="json")
    log.begin(run.events, run=run.name, config=config, environment=environment.record())
