"""Presets side by side on the same candles, each with several seeds: quality against speed.

A comparison that was stopped or killed, or of which a training failed, goes on when the same is
asked for again. How one model is trained is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atb import atomic, presets
from atb.config.training import TrainingConfig
from atb.errors import AtbError, UsageError
from atb.events import Listener, Noted, Stopwatch, silent
from atb.extras import require_installed
from atb.fleet.engine import Engine
from atb.fleet.job import Job
from atb.pipeline import history_for, require_whole
from atb.studies import comparison, jobs, side_by_side
from atb.studies.study import RESULTS, Recipes, Study, on_the_same_rows
from atb.workspace import Workspace

KIND = "compare"
YARDSTICK = "legacy"

Failures = dict[str, AtbError]


def recipes(
    names: Sequence[str],
    symbol: str,
    seeds: int,
    assignments: Sequence[str] = (),
    **options: Any,
) -> dict[str, TrainingConfig]:
    """The recipe of each preset with each seed, on the same rows; named `PRESET-1` and so on.

    Args:
        names: presets for candles or bonds; their files' names must differ.
        symbol: the market.
        seeds: of each preset, counting up from the one it has.
        assignments: dotted config fields, for every preset.
        options: as in `presets.OPTION_FIELDS`, for every preset.

    Raises:
        UsageError: when a name comes twice, a preset learns from an order book, or what is
            predicted or learned from differs.
        ConfigError: for a preset that does not hold together.
    """
    found: dict[str, TrainingConfig] = {}
    for name in names:
        config = presets.resolve(name, symbol, assignments=assignments, **options).config
        if config.name in found:
            raise UsageError(f"preset {config.name!r} is named twice", where="--presets")
        if config.data.kind == "book":
            raise UsageError(
                f"preset {config.name!r} learns from an order book",
                where="--presets",
                remedy="compare those with: atb train lob PATH --suite NAMES",
            )
        found[config.name] = config
    if len(found) < 2:
        raise UsageError(
            f"{len(found)} preset cannot be compared", where="--presets", remedy="name two or more"
        )
    _require_alike(found)
    members = {
        f"{name}-{number + 1}": config.seeded(config.training.seed + number)
        for name, config in on_the_same_rows(found).items()
        for number in range(seeds)
    }
    trials = sum(config.selection.trials for config in members.values())
    return {name: _one_of(config, trials) for name, config in members.items()}


def _one_of(config: TrainingConfig, trials: int) -> TrainingConfig:
    """The recipe, judged as one of so many: whoever takes the best of them owes it to luck too."""
    selection = config.selection.model_copy(update={"trials": trials})
    return config.model_copy(update={"selection": selection})


def _require_alike(found: Recipes) -> None:
    """Refuse presets whose figures would not be of the same thing."""
    first, *others = found.values()
    for other in others:
        for what in ("data", "target", "trading", "dataset"):
            own, its = (_compared(one, what) for one in (first, other))
            if own != its:
                raise UsageError(
                    f"{first.name} and {other.name} differ in {what}: {_said(own)}, {_said(its)}",
                    where="--presets",
                    remedy=f"give both the same, as with --set {what}.FIELD=VALUE",
                )


def _compared(config: TrainingConfig, what: str) -> Any:
    """A block of a recipe, but for the first window, which becomes the same for all."""
    spec = getattr(config, what)
    return spec.model_copy(update={"first_end": 0}) if what == "dataset" else spec


def _said(spec: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in spec if value is not None)


def compare(
    members: Recipes,
    *,
    yardstick: str | None = None,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    engine: Engine | None = None,
    listen: Listener = silent,
) -> tuple[dict[str, Any], Failures]:
    """Train every member, or what is left of a comparison begun earlier, and compare them.

    Args:
        members: as `recipes` makes them.
        yardstick: the preset that the others are measured against; None for `legacy` where it is
            compared, else for the last one.
        artifacts: root folder of everything written.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        engine: that carries out the trainings; None for this machine.
        listen: told of what happens, in each of them too.

    Returns:
        The results as `atb.studies.comparison` describes them, and why members failed.

    Raises:
        UsageError: when the yardstick is none of the presets.
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when nothing can be begun; nothing is written then.
    """
    require_installed("train")
    chosen = _yardstick(members, yardstick)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    require_whole(next(iter(members.values())))
    with Stopwatch(listen).stage("data"):
        history = history_for(list(members.values()), workspace, listen)
        found = Study.taken_up(KIND, workspace, members, history)
    with found.held():
        failures = _train(found, at_once, engine, listen)
        made = comparison.of(found, failures, chosen)
        atomic.write_json(found.path / RESULTS, made)  # last: with it the comparison is finished
    return made, failures


def _yardstick(members: Recipes, wanted: str | None) -> str:
    names = list(dict.fromkeys(recipe.name for recipe in members.values()))
    if wanted is None:
        return YARDSTICK if YARDSTICK in names else names[-1]
    if wanted not in names:
        raise UsageError(
            f"{wanted!r} is not compared", where="--against", remedy=f"one of {', '.join(names)}"
        )
    return wanted


def _train(found: Study, at_once: int | None, engine: Engine | None, listen: Listener) -> Failures:
    """Train the members that have no model; why some of them failed."""
    found.end_registered()
    missing = found.missing()
    done = len(found.members) - len(missing)
    listen(Noted(f"comparison {found.name}: {done} of {len(found.members)} models are trained"))
    asked = [Job(name, jobs.train_member, {"study": found, "member": name}) for name in missing]
    return side_by_side.carry_out(found, asked, at_once, listen, engine)
