"""The quantiles that a graph says beside its signal: of which shares, and whether they can be true.

Knows what a graph says of itself and its numbers; nothing of how it runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atb.errors import IntegrityError
from atb.registry.served import LEVELS, SHORTFALL

Float64 = npt.NDArray[np.float64]

MOST = 100  # levels that a graph may have
REMEDY = "train the model again"


@dataclass(frozen=True)
class Levels:
    """What the columns of `quantiles` `[B, Q + S]` are.

    Attributes:
        quantiles: Q shares of outcomes that each quantile leaves below, rising.
        shortfall: the first S of them, of which the mean of the outcomes below follows.
    """

    quantiles: tuple[float, ...]
    shortfall: tuple[float, ...]


def levels(says: Mapping[str, str], width: int, path: Path) -> Levels:
    """The levels that a graph with so many columns says it has.

    Raises:
        IntegrityError: when it says none, or such as cannot be.
    """
    quantiles, shortfall = (_shares(says, name, path) for name in (LEVELS, SHORTFALL))
    rising = all(a < b for a, b in pairwise(quantiles))
    if not rising or shortfall != quantiles[: len(shortfall)]:
        raise _error(f"levels {quantiles} do not rise, or do not begin with {shortfall}", path)
    if len(quantiles) + len(shortfall) != width:
        raise _error(
            f"it gives {width} quantiles, its levels are {quantiles} and {shortfall}", path
        )
    return Levels(quantiles, shortfall)


def require_possible(answers: Float64, known: Levels, path: Path) -> None:
    """Refuse `[B, Q + S]` that are no numbers, fall, or lie above the quantile they are below.

    Raises:
        IntegrityError: with how many rows do so.
    """
    quantiles, means = np.split(answers, [len(known.quantiles)], axis=1)
    wrong = ~np.isfinite(answers).all(axis=1)
    wrong |= (np.diff(quantiles, axis=1) < 0).any(axis=1)
    wrong |= (means > quantiles[:, : means.shape[1]]).any(axis=1)
    if wrong.any():
        raise IntegrityError(
            f"it answers {int(wrong.sum())} of {len(answers)} windows with quantiles that are no "
            "numbers or fall",
            where=str(path),
            remedy="check the data with: atb data check",
        )


def _shares(says: Mapping[str, str], name: str, path: Path) -> tuple[float, ...]:
    text = says.get(name, "")
    try:
        given = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise _error(f"the graph's {name} {text[:100]!r} cannot be read", path) from error
    listed = isinstance(given, list) and len(given) <= MOST
    if not listed or not all(isinstance(one, float) and 0 < one < 1 for one in given):
        raise _error(f"the graph says {name} {text[:100]!r}, no shares between 0 and 1", path)
    return tuple(given)


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy=REMEDY)
