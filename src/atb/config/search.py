"""The values a study of tuning may give to fields of a recipe: a choice, a range or a log range.

Knows values and how they are said; what a field means is known by the specs of the recipe.
"""

from __future__ import annotations

import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from atb.config.spec import Listed, Spec
from atb.errors import ConfigError, nearest

Ends = Annotated[tuple[int | float, int | float], Field(strict=False)]

COUNTED = 16  # integers of a range that are looked at one by one; of a longer one its two ends
LARGEST = 20_000  # recipes that are looked at before a study begins

EXAMPLE = "training.learning_rate: {log_range: [2e-4, 5e-3]}"
# Fields that may differ between recipes whose validation losses are to be compared.
SEARCHED = ("features", "window", "dataset.scaler", "model", "training")
# Among them, fields that change what the loss means, or only the luck of a training.
KEPT = (
    "training.seed",
    "training.hardware",
    "training.regularisation.label_smoothing",
    "training.regularisation.class_weights",
)


class Dimension(Spec, ABC):
    """The values of one field."""

    @abstractmethod
    def corners(self) -> tuple[Any, ...]:
        """Values such that a recipe is valid with every value if it is with these."""

    @abstractmethod
    def held(self, value: Any) -> Any:
        """The value of this dimension that a recipe's JSON value stands for; None if none does."""

    @property
    @abstractmethod
    def said(self) -> str:
        """For people."""


class Choice(Dimension):
    """One of several values; a mapping is of fields below, which are set together."""

    choice: Listed[JsonValue] = Field(min_length=2)

    def corners(self) -> tuple[Any, ...]:
        """All of them."""
        return self.choice

    def held(self, value: Any) -> Any:
        """The first that the value equals, or that it has the fields of."""
        return next((one for one in self.choice if _stands_for(value, one)), None)

    @property
    def said(self) -> str:
        """The values as they are written."""
        return f"one of {', '.join(map(json.dumps, self.choice))}"

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        said = [json.dumps(one, sort_keys=True) for one in self.choice]
        twice = next((one for one in said if said.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands there twice")
        return self


class Between(Dimension):
    """Any number between two; whole ones if both ends are."""

    @property
    @abstractmethod
    def ends(self) -> tuple[int | float, int | float]:
        """The least and the largest."""

    @property
    def whole(self) -> bool:
        """Whether the values are integers."""
        return all(isinstance(end, int) for end in self.ends)

    @property
    def logarithmic(self) -> bool:
        """Whether each order of magnitude is as likely as another."""
        return isinstance(self, LogRange)

    def corners(self) -> tuple[Any, ...]:
        """The ends, and of a few integers those between."""
        low, high = self.ends
        if isinstance(low, int) and isinstance(high, int) and high - low < COUNTED:
            return tuple(range(low, high + 1))
        return low, high

    def held(self, value: Any) -> Any:
        """The value itself, if it lies between the ends."""
        low, high = self.ends
        kinds = int if self.whole else int | float
        number = isinstance(value, kinds) and not isinstance(value, bool)
        return value if number and low <= value <= high else None

    @property
    def said(self) -> str:
        """The ends."""
        low, high = self.ends
        return f"{low:g} to {high:g}{', logarithmic' if self.logarithmic else ''}"

    @model_validator(mode="after")
    def _rises(self) -> Self:
        low, high = self.ends
        if not low < high:
            raise ValueError(f"{low:g} is not less than {high:g}")
        if self.logarithmic and low <= 0:
            raise ValueError(f"a log range begins above 0, not at {low:g}")
        return self


class Range(Between):
    """Between two numbers, each as likely as another."""

    range: Ends

    @property
    def ends(self) -> tuple[int | float, int | float]:
        """The least and the largest."""
        return self.range


class LogRange(Between):
    """Between two positive numbers, each order of magnitude as likely as another."""

    log_range: Ends

    @property
    def ends(self) -> tuple[int | float, int | float]:
        """The least and the largest."""
        return self.log_range


FORMS: Mapping[str, type[Dimension]] = {"choice": Choice, "range": Range, "log_range": LogRange}

Search = Mapping[str, Dimension]


def parse(block: Any, place: Callable[[str], str]) -> dict[str, Dimension]:
    """The dimensions of a search block, by the dotted name of their field.

    >>> parse({"window": {"choice": [30, 60]}}, str)["window"].corners()
    (30, 60)

    Args:
        block: as a file says it.
        place: where a dotted key stands, for messages.

    Raises:
        ConfigError: for what is no choice, range or log range, naming its place.
    """
    if not isinstance(block, dict) or not block:
        raise ConfigError("search names no field", where=place("search"), remedy=_write())
    return {name: _dimension(name, form, place) for name, form in block.items()}


def combinations(search: Search) -> Iterator[dict[str, Any]]:
    """Every combination of the values at the corners of the dimensions.

    Raises:
        ConfigError: when there are too many to look at.
    """
    corners = {name: dimension.corners() for name, dimension in search.items()}
    count = math.prod(map(len, corners.values()))
    if count > LARGEST:
        raise ConfigError(
            f"search has {count:,} combinations of values at its corners, and at most {LARGEST:,} "
            "can be checked before a study begins",
            remedy="search fewer fields, or fewer values of them",
        )
    for values in itertools.product(*corners.values()):
        yield dict(zip(corners, values, strict=True))


def require_comparable(name: str, where: str) -> None:
    """Refuse a field in which recipes must not differ if their validation losses are compared.

    Raises:
        ConfigError: naming the fields that may be searched.
    """
    within = any(name == field or name.startswith(f"{field}.") for field in SEARCHED)
    kept = any(name == field or name.startswith(f"{field}.") for field in KEPT)
    if kept or not within:
        raise ConfigError(
            f"{name!r} cannot be searched: validation losses would not mean the same",
            where=where,
            remedy=f"search {', '.join(SEARCHED)} and what is in them, but not {', '.join(KEPT)}",
        )


def _dimension(name: str, form: Any, place: Callable[[str], str]) -> Dimension:
    key = f"search.{name}"
    if not isinstance(form, dict) or len(form) != 1:
        raise ConfigError(
            f"{key} is not one of {', '.join(FORMS)}", where=place(key), remedy=_write()
        )
    (kind,) = form
    if kind not in FORMS:
        where = place(f"{key}.{kind}")
        raise ConfigError(
            f"unknown key {f'{key}.{kind}'!r}",
            where=where,
            remedy=f"{nearest(kind, FORMS)}; fields are written with dots, as in: {EXAMPLE}",
        )
    try:
        return FORMS[kind].model_validate(form)
    except ValidationError as refused:
        what = str(refused.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"{key}.{kind}: {what}", where=place(key), remedy=_write()) from refused


def _write() -> str:
    return f"write one line for each field, as in: {EXAMPLE}"


def _stands_for(value: Any, one: Any) -> bool:
    if isinstance(one, dict):
        return isinstance(value, dict) and all(
            name in value and _stands_for(value[name], part) for name, part in one.items()
        )
    return bool(value == one)
