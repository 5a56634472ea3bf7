"""The page of networks, written from their specs and presets.

    python -m atb.models.document > docs/networks.md

Knows specs, presets and how many weights a built network has; measures nothing else.
"""

from __future__ import annotations

import sys
from typing import get_args

from atb import presets
from atb.config import book_architectures
from atb.config.architectures import ARCHITECTURES, AnyArchitecture
from atb.config.features import width
from atb.config.tabular import AnyTabular
from atb.config.targets import MidPriceTarget, ReturnTarget, Target
from atb.config.training import TrainingConfig
from atb.models.build import network

BARS, EVENTS = (90, 15), (100, 40)
HEAD = """<!-- python -m atb.models.document > docs/networks.md -->
# Networks

A network maps a window `[rows, features]` of scaled features to raw outputs: one for each horizon
of a quantity or of a rise, three (down, flat, up) for each horizon of three classes. Each is one
file in `atb.models`, `build(spec, window)`; its spec with every option is in
`atb.config.architectures`, those for order books in `atb.config.book_architectures`. All leave as
one ONNX file with fused `GRU` and `LSTM` operators and without loops, within 1e-5 of Keras;
`tests/contracts/test_architectures.py` asks that, and the number of weights on paper, of every
network and preset.

`mlp` and `cnn` read the window flattened. Of the others for candles the newest step is taken: of
recurrent layers the last state, of `tcn` and `transformer` the last position. It is the bar the
prediction is made at, and the one that has seen most of the window; an average would weigh the
oldest bar like the newest.

Keras's LSTM has one bias for each gate, as counted here. Libraries that keep two, one for the input
and one for the state, count `4 x units` more for each layer and direction and compute the same.

`atb.models.hidden_states(model, windows)` gives what the last recurrent layer of a network holds at
every step: `[n, time, units x directions]`.

## Architectures

Weights of the default spec on 90 bars of 15 features with one output.

| architecture | what it is | weights |
|---|---|---|
"""
BOOKS = """
## Architectures for order books

Weights of the default spec on 100 events of 40 columns with three classes of one horizon. `deeplob`
and `deeplob_seq2seq` read four columns for each level and so take level sets such as `lob40`.

| architecture | what it is | weights |
|---|---|---|
"""
NOTES = """
`ensemble` joins any of these networks but `linear`: by a soft, hard or weighted vote, or by a line
from their answers; `atb train ensemble` trains its members side by side. The default is `gru` and
`tcn` with equal votes.

Where the published descriptions leave a choice, or ours differs:

- `linear` is solved, not trained: least squares, ridge or lasso on flattened windows by
  scikit-learn (`atb.tabular`), whose coefficients are the weights of this network.
- `deeplob`: the authors' code keeps a dropout of 0.2 on at prediction; here `dropout` is an option
  and off at prediction.
- `translob`: layer norm after each part, causal attention, and blocks that share their weights, as
  in the author's code; query, key, value and output have no bias.
- `tlob`, `mlplob`: the authors' code projects twice in a row around each attention, which is one
  linear map; all wide layers are four times as wide, in the last pair too. The GELU is exact.
- `tlob`, `mlplob`, `bin_ctabl` begin with bilinear normalisation: each window as z-scores along
  time and along features. To each variance 1e-4 is added, in units of scaled features: what moves
  less than a hundredth of a deviation within a window is mostly rounding.
- `bin_ctabl`: the temporal attention is the last layer, so that each answer has attention of its
  own; with three classes of one horizon on 10 x 40 it has 11,446 weights.
"""
PRESETS = """
## Presets

Weights as the preset is, with the outputs of its target.

| preset | what it is | architecture | rows x features | weights |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page in Markdown."""
    candles, books = _architectures(False), _architectures(True)
    table = "".join(map(_preset, presets.names()))
    return HEAD + candles + BOOKS + books + NOTES + PRESETS + table


def _architectures(for_books: bool) -> str:
    target, window = (MidPriceTarget(horizon=10), EVENTS) if for_books else (ReturnTarget(), BARS)
    home = book_architectures.__name__
    return "".join(
        _architecture(name, spec(), target, window)
        for name, spec in ARCHITECTURES.items()
        if spec not in get_args(AnyTabular) and (spec.__module__ == home) == for_books
    )


def _architecture(name: str, spec: AnyArchitecture, target: Target, window: tuple[int, int]) -> str:
    purpose = (spec.__doc__ or "").splitlines()[0].rstrip(".")
    weights = network(spec, target, window).count_params()
    return f"| `{name}` | {purpose} | {weights:,} |\n"


def _preset(name: str) -> str:
    """A row of the table; nothing of what is no network."""
    config: TrainingConfig = presets.create_config_from_preset(name, "BTCUSDT")
    if isinstance(config.model, AnyTabular):
        return ""
    window = (config.window, width(config.features))
    weights = network(config.model, config.target, window).count_params()
    size = f"{window[0]} x {window[1]}"
    purpose = presets.read(name).description
    return f"| `{name}` | {purpose} | `{config.model.architecture}` | {size} | {weights:,} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
