"""The recipe of an ensemble, from presets: members that read and predict the same, and a rule.

What does not go together is refused here, before anything is read or trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from atb import presets
from atb.config.architectures import Ensemble, Member, Solved
from atb.config.ensemble import AnyRule, Voting
from atb.config.features import width
from atb.config.judgement import SelectionSpec
from atb.config.spec import Spec
from atb.config.training import TrainingConfig
from atb.errors import EnsembleCompatibilityError, UsageError

WHERE = "--members"
LONGEST = 64  # characters of a model's name

Recipes = Mapping[str, TrainingConfig]
Difference = tuple[str, str, str]  # what one reads, what the other does, what gives both the same


def of_presets(
    names: Sequence[str],
    symbol: str,
    rule: AnyRule,
    assignments: Sequence[str] = (),
    **options: Any,
) -> TrainingConfig:
    """The recipe of an ensemble of presets; what only one model can have is the first one's.

    Args:
        names: presets or preset files, two or more.
        symbol: the market.
        rule: how their answers become one.
        assignments: dotted config fields, for every member.
        options: as in `presets.OPTION_FIELDS`, for every member.

    Raises:
        UsageError: for an unknown or repeated name, a refused value, or too few names.
        EnsembleCompatibilityError: naming both sides, when two read or predict different things.
    """
    found: dict[str, TrainingConfig] = {}
    for name in names:
        config = presets.resolve(name, symbol, assignments=assignments, **options).config
        if config.name in found:
            raise UsageError(
                f"{config.name!r} is named twice",
                where=WHERE,
                remedy="for one network from several seeds: --kind seed",
            )
        found[config.name] = config
    if len(found) < 2:
        raise UsageError(
            f"{len(found)} model is no ensemble", where=WHERE, remedy="name two or more"
        )
    require_compatible(found)
    return _joined(found, f"{rule.kind}-{'-'.join(found)}", rule)


def of_seeds(
    preset: str, symbol: str, seeds: int, assignments: Sequence[str] = (), **options: Any
) -> TrainingConfig:
    """The recipe of one preset from several seeds, counting up from its own, in a soft vote.

    Raises:
        UsageError: for an unknown name or a refused value.
        EnsembleCompatibilityError: when it is no single sequence model.
    """
    config = presets.resolve(preset, symbol, assignments=assignments, **options).config
    if isinstance(config.model, Solved):
        raise EnsembleCompatibilityError(
            f"{_input(config)}: no network, it has no seed of random weights",
            where="--preset",
            remedy="give a network",
        )
    if isinstance(config.model, Ensemble):
        joined = ", ".join(member.name for member in config.model.members)
        raise EnsembleCompatibilityError(
            f"{config.name} is an ensemble of {joined} itself",
            where="--preset",
            remedy="give one network",
        )
    first = config.training.seed
    found = {f"{config.name}-{seed}": config.seeded(seed) for seed in range(first, first + seeds)}
    return _joined(found, f"seeds-{config.name}", Voting())


def require_compatible(members: Recipes) -> None:
    """Refuse members that do not all read the same windows and predict the same of them.

    Raises:
        EnsembleCompatibilityError: naming both sides, and what would make them the same.
    """
    first, *others = members.values()
    for other in others:
        for one, its, remedy in _differences(first, other):
            raise EnsembleCompatibilityError(
                f"{first.name} {one}, {other.name} {its}", where=WHERE, remedy=remedy
            )


def _differences(one: TrainingConfig, other: TrainingConfig) -> Iterator[Difference]:
    """What keeps two recipes from being members of one ensemble, the plainest first."""
    if any(isinstance(config.model, Solved | Ensemble) for config in (one, other)):
        yield (*_said("reads {}", one, other, _input), "take networks of windows alone")
    if one.data.kind != other.data.kind:
        yield (*_said("learns from {}", one, other, lambda c: c.data.kind), "take one market")
    if one.features != other.features:
        yield (*_said("reads {}", one, other, _features), f"give all --features {one.features}")
    if one.window != other.window:
        remedy = f"give all --sequence-length {one.window}"
        yield (*_said("reads windows of {} rows", one, other, lambda c: str(c.window)), remedy)
    if one.target != other.target:
        yield (*_said("predicts {}", one, other, _target), _remedy_of(one))
    for block in ("dataset", "data"):
        yield from _fields(block, getattr(one, block), getattr(other, block))


def _said(text: str, one: TrainingConfig, other: TrainingConfig, of: Any) -> tuple[str, str]:
    return text.format(of(one)), text.format(of(other))


def _input(config: TrainingConfig) -> str:
    rows, columns = config.window, width(config.features)
    name = config.model.architecture
    if isinstance(config.model, Solved):
        return f"2-D rows of {rows * columns} numbers (tabular model {name})"
    return f"3-D windows of {rows} rows x {columns} features (sequence model {name})"


def _features(config: TrainingConfig) -> str:
    return f"{width(config.features)} features ({config.features})"


def _target(config: TrainingConfig) -> str:
    fields = config.target.model_dump(mode="json")
    kind = fields.pop("kind")
    return f"{kind} ({', '.join(f'{name} {value}' for name, value in fields.items())})"


def _remedy_of(config: TrainingConfig) -> str:
    horizons = ",".join(map(str, config.target.horizons))
    return f"give all --target {config.target.kind} --horizon {horizons}"


def _fields(block: str, one: Spec, other: Spec) -> Iterator[Difference]:
    """Each setting of a block in which two recipes differ."""
    ours, theirs = one.model_dump(mode="json"), other.model_dump(mode="json")
    for name, value in ours.items():
        if value != theirs[name]:
            field = f"{block}.{name}"
            remedy = f"give all --set {field}={value}"
            yield f"has {field} {value}", f"has {field} {theirs[name]}", remedy


def _joined(members: Recipes, name: str, rule: AnyRule) -> TrainingConfig:
    """The ensemble of compatible members.

    Raises:
        UsageError: when the rule does not go with them.
    """
    first = next(iter(members.values()))
    joined = [
        Member.of(name=one, model=recipe.model, training=recipe.training)
        for one, recipe in members.items()
    ]
    model = Ensemble.of(members=tuple(joined), rule=rule)
    changed = {
        "name": name[:LONGEST],
        "model": model,
        "selection": _selection([one.selection for one in members.values()]),
    }
    return TrainingConfig.of(**{**dict(first), **changed})


def _selection(each: Sequence[SelectionSpec]) -> SelectionSpec:
    """What was tried before all of the members were chosen."""
    known = [one.deviation for one in each if one.deviation is not None]
    return SelectionSpec(
        trials=1 + sum(one.trials - 1 for one in each),
        deviation=max(known, default=None),
        study=next((one.study for one in each if one.study is not None), None),
    )
