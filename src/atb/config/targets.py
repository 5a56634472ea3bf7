"""What a model predicts, and in which unit it says so.

`output` names the serving graph's output: `return` is a log return, `probability` that of a rise.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from atb.config.spec import Spec

Horizon = Annotated[int, Field(ge=1, le=10_000, description="bars ahead")]


class ReturnTarget(Spec):
    """Log return of the close over the next `horizon` bars (regression)."""

    output: ClassVar[Literal["return"]] = "return"
    kind: Literal["return"] = "return"
    horizon: Horizon = 1


class DirectionTarget(Spec):
    """Whether the close is higher after `horizon` bars (binary)."""

    output: ClassVar[Literal["probability"]] = "probability"
    kind: Literal["direction"] = "direction"
    horizon: Horizon = 1


Target = Annotated[ReturnTarget | DirectionTarget, Field(discriminator="kind")]
TARGETS: dict[str, type[ReturnTarget | DirectionTarget]] = {
    "return": ReturnTarget,
    "direction": DirectionTarget,
}
