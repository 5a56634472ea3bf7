"""What pydantic refuses in a recipe, as an error that names the field, its place and a remedy.

It knows the specs and which of them a field holds; where a recipe's fields are written it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from atb.config.architectures import ARCHITECTURES
from atb.config.data import HISTORIES
from atb.config.ensemble import RULES
from atb.config.optimisation import OPTIMIZERS, SCHEDULES
from atb.config.spec import Spec
from atb.config.targets import TARGETS
from atb.config.trading import TRADINGS
from atb.config.training import TrainingConfig
from atb.errors import AtbError, ConfigError, UsageError, nearest

Problem = Mapping[str, Any]  # one of the errors of a pydantic ValidationError

# Specs told apart by a tag, by that tag.
_TAGGED: Mapping[str, type[Spec]] = {
    **HISTORIES,
    **TARGETS,
    **ARCHITECTURES,
    **RULES,
    **OPTIMIZERS,
    **SCHEDULES,
    **TRADINGS,
}


def explain(problem: Problem, place: Callable[[str], str], blamed: str = "") -> AtbError:
    """One complaint as an error to raise.

    Args:
        problem: what is refused.
        place: where a dotted field is written, for a complaint that no option is blamed for.
        blamed: the option that is; empty for none.
    """
    names, spec = _names(problem["loc"])
    if problem["type"] == "union_tag_invalid":
        names.append(problem["ctx"]["discriminator"].strip("'"))
    dotted = ".".join(names)
    where = blamed or place(dotted)
    error: type[AtbError] = UsageError if blamed else ConfigError
    if problem["type"] == "extra_forbidden":
        remedy = nearest(names[-1], spec.model_fields)
        return error(f"unknown key {dotted!r}", where=where, remedy=remedy)
    if problem["type"] == "union_tag_invalid":
        members = get_args(spec.model_fields[names[-2]].annotation)
        known = [name for name, member in _TAGGED.items() if member in members]
        tag = problem["ctx"]["tag"]
        return error(f"unknown {dotted} {tag!r}", where=where, remedy=nearest(tag, known))
    message = str(problem["msg"]).removeprefix("Value error, ")
    value = problem.get("input")
    shown = f" (got {value!r})" if isinstance(value, str | int | float | bool) else ""
    what = f"{dotted}: {message}{shown}" if dotted else message
    return error(what, where=where, remedy="see: atb presets show")


def alike(one: Problem, other: Problem) -> bool:
    """Whether two complaints are about the same."""
    return bool(one["type"] == other["type"] and one["loc"] == other["loc"])


def field_of(problem: Problem) -> str:
    """The dotted field that a complaint is about."""
    return ".".join(_names(problem["loc"])[0])


def _names(location: Sequence[str | int]) -> tuple[list[str], type[Spec]]:
    """Fields on the way to a complaint, and the spec of the last; branches of a union are none."""
    names: list[str] = []
    holder: type[Spec] = TrainingConfig
    inside: Any = TrainingConfig
    for part in map(str, location):
        if inside is None and part not in _TAGGED:
            break
        if inside is None:
            inside = _TAGGED[part]
            continue
        names.append(part)
        if part.isdigit():  # of a record in a list
            continue
        holder = inside
        field = holder.model_fields.get(part)
        inside = _spec_in(field.annotation) if field else None
    return names, holder


def _spec_in(annotation: Any) -> type[Spec] | None:
    """The spec of a field or of its items; None where there is none, or there are several."""
    types = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type)]
    specs = [one for one in types if issubclass(one, Spec)]
    return specs[0] if len(specs) == 1 else None
