"""The catalogue of features: name, lookback, unit, formula, source; and the named sets.

Light on purpose: presets, documentation, runtime and drift read names and lookbacks here without
waiting for TensorFlow. The computation of each is in `atb.features`, under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass

from atb.errors import UsageError, nearest


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Attributes:
        name: column name, unique in the catalogue.
        group: the file in `atb.features` that computes it.
        lookback: earlier bars it needs besides its own.
        unit: unit of its values.
        formula: how it is computed, in words and symbols.
        source: where the definition comes from.
    """

    name: str
    group: str
    lookback: int
    unit: str
    formula: str
    source: str


FEATURES: dict[str, Feature] = {}
SETS: dict[str, tuple[str, ...]] = {}


def known_set(name: str) -> str:
    """The name, if a feature set has it.

    Raises:
        UsageError: naming the nearest set otherwise.
    """
    if name not in SETS:
        raise UsageError(f"unknown feature set {name!r}", remedy=nearest(name, SETS))
    return name


def lookback(name: str) -> int:
    """Earlier bars the set needs before its first row: the longest of its features."""
    return max(FEATURES[feature].lookback for feature in SETS[known_set(name)])
