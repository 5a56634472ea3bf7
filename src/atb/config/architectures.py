"""One spec per network; the network itself is `atb.models.<architecture>.build`.

Specs of learners that are no networks are in `atb.config.tabular`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.book_architectures import (
    BinCtabl,
    DeepLob,
    DeepLobSeq2Seq,
    Linear,
    LobCnn,
    MlpLob,
    TemporalAttention,
    Tlob,
    TransLob,
)
from atb.config.ensemble import Rule, Voting
from atb.config.optimisation import Optimisation
from atb.config.spec import Listed, Spec, by_tag, checked, tagged
from atb.config.tabular import AnyTabular
from atb.workspace import check_name

Width = Annotated[int, Field(ge=1, le=4096)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Pool = Annotated[int, Field(ge=1, le=16)]
Kernel = Annotated[int, Field(ge=1, le=64)]


class Mlp(Spec):
    """Dense layers over the flattened window; what the others have to beat.

    Attributes:
        dense: width of each dense layer.
        activation: of each; the leaky ReLU keeps 0.01 of what is negative.
        dropout: share of each layer's outputs dropped in training.
    """

    architecture: Literal["mlp"] = "mlp"
    activation: Literal["relu", "leaky_relu"] = "relu"
    dense: Listed[Width] = Field((128, 64), min_length=1)
    dropout: Dropout = 0.2


class Cnn(Spec):
    """Convolutions over time, then dense layers that know where in the window each step is.

    Attributes:
        filters: width of each convolution, followed by batch norm and ReLU.
        kernel: bars each convolution reaches over.
        pool: max-pool size after each convolution; 1 leaves the length alone.
        dropout: share dropped of what the convolutions found, and of each dense layer's outputs.
        dense: width of each dense ReLU layer.
    """

    architecture: Literal["cnn"] = "cnn"
    filters: Listed[Width] = Field((32, 64, 64), min_length=1)
    kernel: Kernel = 3
    pool: Listed[Pool] = (2, 2, 2)
    dropout: Dropout = 0.2
    dense: Listed[Width] = (64,)

    @model_validator(mode="after")
    def _layers_agree(self) -> Self:
        _one_pool_each(self.pool, self.filters)
        return self


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
    pool: Listed[Pool] = (2, 2)
    batch_norm: bool = True
    cell: Literal["gru", "lstm"] = "gru"
    units: Listed[Width] = Field((80, 40), min_length=1)
    bidirectional: int = Field(0, ge=0)
    layer_norm: bool = False
    dropout: Dropout = 0.2
    dense: Listed[Width] = (40,)

    @model_validator(mode="after")
    def _layers_agree(self) -> Self:
        _one_pool_each(self.pool, self.filters)
        if self.bidirectional > len(self.units):
            raise ValueError(
                f"bidirectional {self.bidirectional} exceeds the layers in units {list(self.units)}"
            )
        return self


class Recurrent(Spec):
    """What every purely recurrent network has: recurrent layers, then dense layers.

    Attributes:
        units: width of each recurrent layer, one to three; the last returns only its final state.
        dropout: share of each layer's outputs, recurrent or dense, dropped in training.
        recurrent_dropout: share of the state dropped on its way to the next bar, the same units
            through the whole window (Gal and Ghahramani 2016).
        dense: width of each dense ReLU layer.
    """

    units: Listed[Width] = Field((64, 64), min_length=1, max_length=3)
    dropout: Dropout = 0.2
    recurrent_dropout: Dropout = 0.0
    dense: Listed[Width] = ()


class Gru(Recurrent):
    """Gated recurrent units (Cho et al. 2014).

    Attributes:
        bidirectional: every layer also runs backwards in the window.
    """

    architecture: Literal["gru"] = "gru"
    bidirectional: bool = False


class Lstm(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997).

    Attributes:
        bidirectional: every layer also runs backwards in the window.
    """

    architecture: Literal["lstm"] = "lstm"
    bidirectional: bool = False


class BiLstm(Recurrent):
    """Long short-term memory in both directions of the window (Graves and Schmidhuber 2005)."""

    architecture: Literal["bilstm"] = "bilstm"


class Tcn(Spec):
    """Residual blocks of dilated causal convolutions (Bai, Kolter and Koltun 2018).

    Attributes:
        filters: width of each block; the dilation is 1 in the first and doubles with each.
        kernel: taps of each convolution.
        dropout: share of the channels dropped in training, each through the whole window.
        dense: width of each dense ReLU layer.
    """

    architecture: Literal["tcn"] = "tcn"
    filters: Listed[Width] = Field((64, 64, 64, 64, 64), min_length=1, max_length=12)
    kernel: int = Field(3, ge=2, le=64)
    dropout: Dropout = 0.1
    dense: Listed[Width] = ()

    @property
    def receptive_field(self) -> int:
        """Bars the last step sees: two convolutions a block, block i reaching (kernel - 1) 2^i.

        >>> Tcn(filters=(64, 64, 64, 64), kernel=3).receptive_field
        61
        """
        return 1 + 2 * (self.kernel - 1) * ((1 << len(self.filters)) - 1)


class Transformer(Spec):
    """Encoder blocks with layer norm before each part (Vaswani et al. 2017, Xiong et al. 2020).

    Attributes:
        width: of each step's representation; a multiple of `heads`.
        heads: attentions side by side in each block.
        blocks: how many.
        feed_forward: width of the ReLU layer inside each block.
        positions: how a step knows its place: a learned table, or fixed sines and cosines.
        causal: a step sees only itself and earlier ones.
        dropout: share of attention weights and of each part's outputs dropped in training.
        dense: width of each dense ReLU layer.
    """

    architecture: Literal["transformer"] = "transformer"
    width: Width = 64
    heads: int = Field(4, ge=1, le=64)
    blocks: int = Field(2, ge=1, le=24)
    feed_forward: Width = 128
    positions: Literal["learned", "sinusoidal"] = "sinusoidal"
    causal: bool = False
    dropout: Dropout = 0.1
    dense: Listed[Width] = ()

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        return self


def _one_pool_each(pool: tuple[int, ...], filters: tuple[int, ...]) -> None:
    if len(pool) != len(filters):
        raise ValueError(f"pool {list(pool)} needs one size for each of filters {list(filters)}")


AnyNetwork = (
    Mlp
    | Cnn
    | ConvRecurrent
    | Gru
    | Lstm
    | BiLstm
    | Tcn
    | Transformer
    | LobCnn
    | DeepLob
    | DeepLobSeq2Seq
    | TransLob
    | TemporalAttention
    | Tlob
    | MlpLob
    | BinCtabl
)
Network = Annotated[
    AnyNetwork, Field(discriminator="architecture"), tagged("architecture", "conv_recurrent")
]


class Member(Spec):
    """One network of an ensemble.

    Attributes:
        name: no other member's.
        model: the network.
        training: how it is fitted; null: as the recipe's `training` says.
    """

    name: Annotated[str, checked(check_name)]
    model: Network
    training: Optimisation | None = None


class Ensemble(Spec):
    """Several networks of the same windows that answer as one (Dietterich 2000).

    Attributes:
        members: the networks, each fitted by itself.
        rule: how their answers become one.
    """

    architecture: Literal["ensemble"] = "ensemble"
    members: Listed[Member] = Field(
        (Member(name="gru", model=Gru()), Member(name="tcn", model=Tcn())),
        min_length=2,
        max_length=32,
    )
    rule: Rule = Voting()

    @model_validator(mode="after")
    def _each_member_once(self) -> Self:
        names = [member.name for member in self.members]
        if len(set(names)) < len(names):
            raise ValueError(f"each member needs a name of its own, not {names}")
        weights = self.rule.weights if isinstance(self.rule, Voting) else None
        if weights is not None and len(weights) != len(names):
            raise ValueError(f"{len(weights)} weights are given for {len(names)} members")
        return self

    def member(self, name: str) -> Member:
        """The member of a name."""
        return next(member for member in self.members if member.name == name)


Solved = (
    Linear | AnyTabular
)  # fitted at once: they take no steps, no batch and no weights to begin with
AnyArchitecture = AnyNetwork | Solved | Ensemble
Architecture = Annotated[
    AnyArchitecture, Field(discriminator="architecture"), tagged("architecture", "conv_recurrent")
]
ARCHITECTURES: dict[str, type[AnyArchitecture]] = by_tag("architecture", AnyArchitecture)
