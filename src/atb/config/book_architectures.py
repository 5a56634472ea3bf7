"""Specs of the networks for order books; their published forms are in docs/networks.md."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.spec import Listed, Spec

Width = Annotated[int, Field(ge=1, le=4096)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=24)]


class Linear(Spec):
    """A straight line from the flattened window, found by least squares, not by descent.

    Attributes:
        penalty: on the coefficients: none (ordinary least squares), their squares (ridge) or their
            sizes (lasso).
        strengths: of the penalty; the one with the smallest validation error is taken.
    """

    architecture: Literal["linear"] = "linear"
    penalty: Literal["none", "ridge", "lasso"] = "none"
    strengths: Listed[Annotated[float, Field(gt=0)]] = ()

    @model_validator(mode="after")
    def _strengths_of_a_penalty(self) -> Self:
        if (self.penalty == "none") == bool(self.strengths):
            raise ValueError(f"penalty {self.penalty!r} with strengths {list(self.strengths)}")
        return self


class LobCnn(Spec):
    """Convolutions over price levels and time (Tsantekidis et al. 2017).

    Attributes:
        filters: width of the first convolution (4 rows, all columns) and the second (4 rows), then
            of each of the two (3 rows) between the max-pools.
        dense: width of the dense layer.
        dropout: share of its outputs dropped in training.
    """

    architecture: Literal["lob_cnn"] = "lob_cnn"
    filters: Listed[Width] = Field((16, 16, 32, 32), min_length=4, max_length=4)
    dense: Width = 32
    dropout: Dropout = 0.0


class DeepLobTrunk(Spec):
    """What both DeepLOBs have: convolutions over levels, an inception module, an LSTM.

    Attributes:
        filters: width of the convolutions over prices, sizes and levels.
        inception: width of each branch of the inception module.
        units: width of the LSTM.
        dropout: share of the inception's channels dropped in training, each through the whole
            window; the authors' code takes 0.2.
    """

    filters: Width = 16
    inception: Width = 32
    units: Width = 64
    dropout: Dropout = 0.0


class DeepLob(DeepLobTrunk):
    """The trunk's last state (Zhang, Zohren and Roberts 2019)."""

    architecture: Literal["deeplob"] = "deeplob"


class DeepLobSeq2Seq(DeepLobTrunk):
    """DeepLOB's trunk as an encoder, a decoder with one step for each horizon (Zhang, Zohren 2021).

    Attributes:
        context: what each step of the decoder sees of the encoder: its `last` state, or by
            `attention` a sum of all states weighted by their dot products with the decoder's.
    """

    architecture: Literal["deeplob_seq2seq"] = "deeplob_seq2seq"
    context: Literal["last", "attention"] = "attention"


class TransLob(Spec):
    """Dilated causal convolutions, then transformer encoder blocks (Wallbridge 2020).

    Attributes:
        filters: width of each of the five convolutions (dilations 1, 2, 4, 8, 16).
        blocks: transformer encoder blocks.
        heads: attentions side by side in each block; the width, filters + 1, is a multiple of it.
        feed_forward: width of the ReLU layer inside each block.
        dense: width of the dense layer over the flattened window.
        dropout: share of its outputs dropped in training.
        l2: penalty on the squares of its kernel.
    """

    architecture: Literal["translob"] = "translob"
    filters: Width = 14
    blocks: Count = 2
    heads: Count = 3
    feed_forward: Width = 60
    dense: Width = 64
    dropout: Dropout = 0.1
    l2: float = Field(1e-4, ge=0, le=1)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if (self.filters + 1) % self.heads:
            raise ValueError(f"width {self.filters + 1} is no multiple of heads {self.heads}")
        return self


class TemporalAttention(Spec):
    """Convolutions of several reaches side by side, an LSTM, Bahdanau attention for each horizon.

    Attributes:
        filters: width of each convolution.
        kernels: rows each of them reaches over.
        units: width of the encoder, of the decoder and of the attention's score.
        dropout: share of the encoder's input dropped in training.
    """

    architecture: Literal["temporal_attention"] = "temporal_attention"
    filters: Width = 32
    kernels: Listed[Width] = Field((3, 5, 7), min_length=1, max_length=8)
    units: Width = 64
    dropout: Dropout = 0.1


class Tlob(Spec):
    """Attention along time and along features in turn (Berti and Kasneci 2025).

    Attributes:
        width: of each row's representation.
        layers: pairs of attentions; the last narrows both axes to a quarter.
        heads: attentions side by side.
        dropout: share of each part's outputs dropped in training.
    """

    architecture: Literal["tlob"] = "tlob"
    width: Width = 40
    layers: Count = 4
    heads: Count = 1
    dropout: Dropout = 0.0


class MlpLob(Spec):
    """Dense layers that mix features and time in turn (Berti and Kasneci 2025).

    Attributes:
        width: of each row's representation.
        layers: pairs of mixers; the last narrows both axes to a quarter.
        dropout: share of each part's outputs dropped in training.
    """

    architecture: Literal["mlplob"] = "mlplob"
    width: Width = 40
    layers: Count = 3
    dropout: Dropout = 0.0


class BinCtabl(Spec):
    """Bilinear normalisation and layers, temporal attention (Tran et al. 2019, 2021).

    Attributes:
        features: rows of each bilinear layer's output; the attention layer follows.
        steps: columns of each bilinear layer's output.
        dropout: share of each layer's outputs dropped in training.
        max_norm: largest norm of the weights' columns.
    """

    architecture: Literal["bin_ctabl"] = "bin_ctabl"
    features: Listed[Width] = Field((60, 120), min_length=1)
    steps: Listed[Width] = Field((10, 5), min_length=1)
    dropout: Dropout = 0.1
    max_norm: float = Field(10.0, gt=0)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if len(self.features) != len(self.steps):
            raise ValueError(
                f"features {list(self.features)} need one of steps {list(self.steps)} each"
            )
        return self
