"""In which order the steps of a plan can be gone through, or which of them need each other.

Knows what steps need, not what they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atb.config.plan import AnyStep, PlanSpec
from atb.errors import ConfigError, nearest

Place = Callable[[str], str]  # where a dotted key of a plan stands, for messages


def in_order(spec: PlanSpec, place: Place) -> list[str]:
    """The steps, each after those it needs, else as they are written.

    Raises:
        ConfigError: for a step that is not there, or steps that need each other.
    """
    for name, step in spec.steps.items():
        for needed in step.needs:
            if needed not in spec.steps:
                raise ConfigError(
                    f"step {name!r} needs {needed!r}, which is no step",
                    where=place(f"steps.{name}.needs"),
                    remedy=nearest(needed, spec.steps),
                )
    left, order = dict(spec.steps), list[str]()
    while left:
        ready = [name for name, step in left.items() if not left.keys() & set(step.needs)]
        if not ready:
            circle = _circle(left)
            raise ConfigError(
                f"steps need each other: {' needs '.join(circle)}",
                where=place(f"steps.{circle[0]}.needs"),
                remedy="take one of these needs out",
            )
        order.append(ready[0])
        del left[ready[0]]
    return order


def _circle(steps: Mapping[str, AnyStep]) -> list[str]:
    """Names of steps of which each needs the next, the first again at the end."""
    way = [next(iter(steps))]
    while True:
        needed = next(name for name in steps[way[-1]].needs if name in steps)
        if needed in way:
            return [*way[way.index(needed) :], needed]
        way.append(needed)
