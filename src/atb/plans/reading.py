"""Plans as files: found by name or path, read strictly, every fault with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atb import presets
from atb.config.plan import STEPS, PlanSpec
from atb.errors import ConfigError, nearest
from atb.plans.expand import expanded
from atb.plans.plan import Plan
from atb.strict_yaml import Document, load


def folder() -> Path:
    """Where the plans that come with atb lie."""
    return presets.folder() / "plans"


def names() -> list[str]:
    """Names of the plans that come with atb."""
    return presets.names_in(folder())


def read(
    plan: str,
    symbols: Sequence[str] = (),
    assignments: Sequence[str] = (),
    **options: Any,
) -> Plan:
    """A plan by name, or by path when it ends in .yaml or .yml, spelt out.

    Args:
        plan: its name or file.
        symbols: instead of those it names; none leaves them.
        assignments: dotted config fields on top of every recipe.
        options: likewise, as in `presets.OPTION_FIELDS`; `candles` is instead of the plan's.

    Raises:
        UsageError: for an unknown plan, and as `expand.expanded` does.
        ConfigError: for a key that is unknown, missing or wrong, with file, line and remedy, and
            as `expand.expanded` does.
        DataError: as `expand.expanded` does.
    """
    path = presets.path_of(plan, folder(), "plan", ", or a file PLAN.yaml")
    document = load(path)
    spec = _spec(document, path)
    changes = {"symbols": tuple(symbols), "candles": options.pop("candles", None)}
    given = {name: value for name, value in changes.items() if value}
    if options.get("seed") is not None:
        given["seeds"] = ()  # the one of the command line is every recipe's
    made = spec.model_copy(update=given)
    return expanded(
        made, path.stem, lambda dotted: _place(document, path, dotted), assignments, **options
    )


def _spec(document: Document, path: Path) -> PlanSpec:
    try:
        return PlanSpec.model_validate(document.content)
    except ValidationError as error:
        # A misspelt key is also one that is missing; what was written says more.
        problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        names = [str(part) for part in problem["loc"]]
        where = _place(document, path, ".".join(names))
        if problem["type"] == "extra_forbidden":
            raise ConfigError(
                f"unknown key {names[-1]!r}", where=where, remedy=nearest(names[-1], _known(names))
            ) from error
        if problem["type"] == "union_tag_invalid":
            kind = problem["ctx"]["tag"]
            raise ConfigError(
                f"step {names[-1]!r} is of an unknown kind {kind!r}",
                where=_place(document, path, ".".join([*names, "kind"])),
                remedy=nearest(kind, STEPS),
            ) from error
        written = [*names[:2], *names[3:]] if names[0] == "steps" else names  # without the kind
        what = str(problem["msg"]).removeprefix("Value error, ")
        raise ConfigError(
            f"{'.'.join(written)}: {what}", where=where, remedy="correct that line"
        ) from error


def _known(names: Sequence[str]) -> list[str]:
    """Keys of the block that a key stands in."""
    spec = STEPS[names[2]] if names[0] == "steps" and len(names) > 3 else PlanSpec
    return [one.alias or name for name, one in spec.model_fields.items()]


def _place(document: Document, path: Path, dotted: str) -> str:
    """The file, and the line of a dotted key or of the nearest block around it.

    Kinds of steps, which stand between the names in complaints, are no keys of the file.
    """
    found, way = None, ""
    for part in dotted.split("."):
        longer = f"{way}.{part}" if way else part
        if longer in document.lines:
            found, way = document.lines[longer], longer
    return f"{path}:{found}" if found else str(path)
