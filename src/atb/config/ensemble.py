"""How the answers of several networks become one; which networks, `config.architectures` says."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.folds import FoldSpec
from atb.config.spec import Listed, Spec, by_tag, tagged

Weight = Annotated[float, Field(ge=0, le=1e6)]


class Voting(Spec):
    """Each member has a vote.

    Attributes:
        voting: `soft` takes the mean of the members' probabilities or quantities, `weighted` a
            weighted mean, `hard` the class that most members decide on.
        weights: of a weighted vote, one for each member, of any sum; null: those with the smallest
            loss on validation rows.
    """

    kind: Literal["voting"] = "voting"
    voting: Literal["soft", "hard", "weighted"] = "soft"
    weights: Listed[Weight] | None = None

    @model_validator(mode="after")
    def _weights_of_a_weighted_vote(self) -> Self:
        if self.weights is not None and self.voting != "weighted":
            raise ValueError(f"weights are for a weighted vote, not for a {self.voting} one")
        if self.weights is not None and not any(self.weights):
            raise ValueError("one of the weights must be above zero")
        return self


class Stacking(Spec):
    """A linear model of the members' answers to rows they have not learned from (Wolpert 1992).

    Attributes:
        scheme: of the folds that make those answers; see `atb.config.folds`.
        splits: folds; each member is trained once for each of them, and once more for all rows.
    """

    kind: Literal["stacking"] = "stacking"
    scheme: Literal["kfold", "expanding"] = "kfold"
    splits: int = Field(5, ge=2, le=20)

    def fold(self, number: int) -> FoldSpec:
        """One of the folds, from 0; test rows of the whole are in none of them."""
        return FoldSpec(scheme=self.scheme, splits=self.splits, number=number, before_test=True)


AnyRule = Voting | Stacking
Rule = Annotated[AnyRule, Field(discriminator="kind"), tagged("kind", "voting")]
RULES: dict[str, type[AnyRule]] = by_tag("kind", AnyRule)
