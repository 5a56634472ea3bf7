"""One spec per network; the network itself is `atb.models.<name>.build`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.spec import Listed, Spec

Width = Annotated[int, Field(ge=1, le=4096)]


class ConvRecurrent(Spec):
    """Convolutions over time, then recurrent layers, then dense layers.

    Attributes:
        filters: width of each convolution (kernel 3, ReLU).
        pool: max-pool size after each convolution; 1 leaves the length alone.
        batch_norm: normalise each convolution's output before its ReLU.
        cell: recurrent cell.
        units: width of each recurrent layer; the last returns only its final state.
        bidirectional: how many of the first recurrent layers also run backwards in the window.
        layer_norm: normalise between recurrent layers.
        dropout: share of recurrent outputs dropped in training.
        dense: width of each dense ReLU layer.
    """

    architecture: Literal["conv_recurrent"] = "conv_recurrent"
    filters: Listed[Width] = (48, 96)
    pool: Listed[Annotated[int, Field(ge=1, le=16)]] = (2, 2)
    batch_norm: bool = True
    cell: Literal["gru", "lstm"] = "gru"
    units: Listed[Width] = Field((80, 40), min_length=1)
    bidirectional: int = Field(0, ge=0)
    layer_norm: bool = False
    dropout: float = Field(0.2, ge=0, lt=1)
    dense: Listed[Width] = (40,)

    @model_validator(mode="after")
    def _layers_agree(self) -> Self:
        if len(self.pool) != len(self.filters):
            raise ValueError(
                f"pool {list(self.pool)} needs one size for each of filters {list(self.filters)}"
            )
        if self.bidirectional > len(self.units):
            raise ValueError(
                f"bidirectional {self.bidirectional} exceeds the layers in units {list(self.units)}"
            )
        return self


Architecture = ConvRecurrent
ARCHITECTURES: dict[str, type[Architecture]] = {"conv_recurrent": ConvRecurrent}
