"""How a command over several trainings ends when some of them failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atb.errors import AtbError


def end_as(
    failures: Mapping[str, AtbError], members: int, *, of: str = "models", remedy: str = ""
) -> None:
    """End as the first member that failed did, if one did.

    Args:
        failures: by member, the error.
        members: how many there were.
        of: what they are.
        remedy: what to do about one that diverged; it would go on into the same step.
    """
    from atb.errors import DivergedError

    for name, error in failures.items():
        others = f"{len(failures)} of {members} {of} failed"
        advice = "the same command tries again what failed"
        if isinstance(error, DivergedError):
            advice = remedy.format(name=name) or "give a lower --learning-rate"
        raise type(error)(f"{others}; {name}: {error}", remedy=advice)
