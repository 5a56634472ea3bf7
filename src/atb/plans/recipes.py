"""The recipes of a plan, each resolved once, with the plan's fields and a command line's on top.

Knows presets; which symbols and rows they are for is known elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from atb import presets
from atb.config.plan import PlanSpec, WithRecipes
from atb.errors import AtbError, ConfigError, UsageError
from atb.pipeline import require_whole
from atb.plans.order import Place
from atb.presets import Recipe


def of_plan(
    spec: PlanSpec, place: Place, assignments: Sequence[str], options: Mapping[str, Any]
) -> dict[str, Recipe]:
    """Every recipe of every step by what names it, for the first symbol.

    Args:
        spec: the plan.
        place: where a dotted key of it stands, for messages.
        assignments: dotted config fields on top of the plan's own.
        options: likewise, as in `presets.OPTION_FIELDS`.

    Raises:
        UsageError: for an unknown preset, or a field that no recipe or no plan can have.
        ConfigError: for a recipe that does not hold together, or two of one name.
    """
    over = {presets.OPTION_FIELDS.get(one) for one, value in options.items() if value is not None}
    own = {name: value for name, value in spec.fields.items() if name not in over}
    given = [*(f"{name}={json.dumps(value)}" for name, value in own.items()), *assignments]
    named = {
        name: key
        for key, names in [("recipes", spec.recipes), *_named(spec)]
        for name in reversed(names)
    }
    found: dict[str, Recipe] = {}
    for name in dict.fromkeys(name for _, names in _named(spec) for name in names or spec.recipes):
        try:
            recipe = presets.resolve(name, spec.symbols[0], assignments=given, **options)
        except AtbError as error:
            if not spec.fields and error.where:
                raise
            own_field = error.where.startswith("--set") and not assignments
            where = place("set") if own_field else error.where or place(named[name])
            raise type(error)(f"{name}: {error.what}", where=where, remedy=error.remedy) from error
        _require_plain(recipe, name, found, place(named[name]))
        found[name] = recipe
    return found


def _named(spec: PlanSpec) -> list[tuple[str, Sequence[str]]]:
    """The recipes that each step with recipes names, by the dotted key."""
    return [
        (f"steps.{name}.recipes", step.recipes)
        for name, step in spec.steps.items()
        if isinstance(step, WithRecipes)
    ]


def _require_plain(recipe: Recipe, name: str, others: Mapping[str, Recipe], where: str) -> None:
    """Refuse what no training of a plan can be."""
    config = recipe.config
    require_whole(config)
    if config.warm_start is not None:
        raise UsageError(
            "trainings of a plan begin with weights of chance",
            where=where,
            remedy="leave out --from, or train that model alone",
        )
    twin = next((key for key, one in others.items() if one.config.name == config.name), None)
    if twin is not None:
        raise ConfigError(
            f"{twin} and {name} would both make models named {config.name}",
            where=where,
            remedy="give one of the files another name",
        )
