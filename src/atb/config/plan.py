"""A plan: symbols times recipes times seeds, and the steps that are gone through with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from atb.config.spec import Listed, Spec, by_tag

Share = Annotated[float, Field(gt=0, le=1)]
Names = Listed[str]
Seed = Annotated[int, Field(ge=0)]
StepName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]  # of log files, too


class Needing(Spec):
    """What every step has.

    Attributes:
        needs: steps that come before it; it works on the models that they trained, or that those
            before them did.
    """

    needs: Names = ()


class DataStep(Needing):
    """Reads or fetches the rows of every symbol and keeps them; those of a recipe always are."""

    kind: Literal["data"] = "data"


class WithRecipes(Needing):
    """A step with recipes.

    Attributes:
        kind: what is done with them.
        recipes: presets or preset files; empty for those of the plan.
    """

    kind: str
    recipes: Names = ()


class FeaturesStep(WithRecipes):
    """Computes the feature matrices once that trainings share."""

    kind: Literal["features"] = "features"


class TrainStep(WithRecipes):
    """Trains each recipe for each symbol with each seed."""

    kind: Literal["train"] = "train"


class EvaluateStep(Needing):
    """Judges models on the newest test rows that all of a symbol predicted.

    Attributes:
        sample: share of those rows.
    """

    kind: Literal["evaluate"] = "evaluate"
    sample: Share = 1.0


class CompareStep(Needing):
    """Compares the models of a symbol with one of them, on the test rows they share.

    Attributes:
        against: recipe of that one; None for the first.
    """

    kind: Literal["compare"] = "compare"
    against: str | None = None


class DriftStep(Needing):
    """Compares the newest rows, and what models make of them, with those they were made with.

    Attributes:
        sample: share of all rows.
    """

    kind: Literal["drift"] = "drift"
    sample: Share = 0.1


class TuneStep(WithRecipes):
    """Tries many values of a recipe's fields; only validation rows decide.

    Attributes:
        trials: recipes to be tried.
        search: what is tried; None for the search block of the preset.
    """

    kind: Literal["tune"] = "tune"
    trials: int = Field(20, ge=1, le=10_000)
    search: dict[str, JsonValue] | None = None


class PromoteStep(Needing):
    """Lets the best model of each symbol run, if it passes the gates.

    Attributes:
        gates: name or file of what it must come up to.
    """

    kind: Literal["promote"] = "promote"
    gates: str = "default"


AnyStep = (
    DataStep
    | FeaturesStep
    | TrainStep
    | EvaluateStep
    | CompareStep
    | DriftStep
    | TuneStep
    | PromoteStep
)
STEPS: dict[str, type[AnyStep]] = by_tag("kind", AnyStep)


class PlanSpec(Spec):
    """What is to be done.

    A step's kind is its name unless it says another.

    Attributes:
        description: one line for people.
        symbols: markets.
        recipes: presets or preset files, for steps that name none.
        seeds: of each training; empty for the one that each preset has.
        candles: a file, or a folder or pattern in which each symbol's file is found by its name.
        fields: dotted fields on top of every recipe; `set` in a file.
        steps: by name.
    """

    description: str
    symbols: Names = ()
    recipes: Names = ()
    seeds: Listed[Seed] = ()
    candles: Path | None = Field(None, strict=False)
    fields: dict[str, JsonValue] = Field(default={}, alias="set")
    steps: dict[StepName, Annotated[AnyStep, Field(discriminator="kind")]] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _kinds_by_name(cls, given: Any) -> Any:
        steps = given.get("steps") if isinstance(given, dict) else None
        if not isinstance(steps, dict):
            return given
        return {**given, "steps": {name: _with_kind(name, one) for name, one in steps.items()}}


def _with_kind(name: str, step: Any) -> Any:
    """A step as a file has it, with the kind that its name says where it says none itself."""
    block = {} if step is None else step
    return {"kind": name, **block} if isinstance(block, dict) else block
