"""How a network is fitted."""

from __future__ import annotations

from pydantic import Field

from atb.config.spec import Spec


class Optimisation(Spec):
    """Adam with early stopping on the validation loss; the best epoch's weights are kept."""

    epochs: int = Field(200, ge=1, le=100_000)
    batch: int = Field(48, ge=1, le=1_000_000)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    patience: int = Field(15, ge=1, description="epochs without a better validation loss")
    seed: int = Field(7, ge=0, lt=2**32)
