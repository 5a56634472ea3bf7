"""Which part of a cross-validation a training is: the scheme, and the number of the fold."""

from __future__ import annotations

from math import comb
from typing import Literal, Self

from pydantic import Field, model_validator

from atb.config.spec import Spec

MOST_FOLDS = 1_000

Scheme = Literal["walk-forward", "expanding", "kfold", "combinatorial"]


class FoldSpec(Spec):
    """One fold of a cross-validation over usable windows in time order.

    The windows are cut into equal groups, which are test windows in turn. `walk-forward` and
    `expanding` learn from what lies before their test group, one group long or all of it; `kfold`
    and `combinatorial` from everything around their test groups. What is learned from is purged by
    the row at which each label is known, and embargoed, on both sides.

    Attributes:
        scheme: see above.
        splits: groups that are tested; of walks, one more group comes before the first.
        tested: groups that are test windows at a time, for `combinatorial`.
        number: which fold, from 0, in the order in which their test windows come.
        before_test: whether the test part of the whole is kept out of every fold.
    """

    scheme: Scheme = "walk-forward"
    splits: int = Field(5, ge=2, le=50)
    tested: int = Field(2, ge=1, le=49)
    number: int = Field(0, ge=0)
    before_test: bool = False

    @property
    def count(self) -> int:
        """Folds of this scheme."""
        return comb(self.splits, self.tested) if self.scheme == "combinatorial" else self.splits

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.scheme == "combinatorial" and self.tested >= self.splits:
            raise ValueError(
                f"{self.tested} of {self.splits} groups cannot be tested at a time; "
                "some must be learned from"
            )
        if self.count > MOST_FOLDS:
            raise ValueError(
                f"{self.tested} of {self.splits} groups are {self.count:,} folds, "
                f"more than {MOST_FOLDS:,}; each is a training of its own"
            )
        if self.number >= self.count:
            raise ValueError(f"there is no fold {self.number}, there are {self.count}, from 0")
        return self
