"""The page of networks, written from their specs and presets.

    python -m atb.models.document > docs/networks.md

Knows specs, presets and how many weights a built network has; measures nothing else.
"""

from __future__ import annotations

import sys

from atb import presets
from atb.config.architectures import ARCHITECTURES, AnyArchitecture
from atb.config.features import SETS
from atb.config.targets import ReturnTarget
from atb.config.training import TrainingConfig
from atb.models.build import network

WINDOW = (90, 15)
HEAD = """<!-- python -m atb.models.document > docs/networks.md -->
# Networks

A network maps a window `[bars, features]` of scaled features to raw outputs: one for each horizon
of a quantity or of a rise, three (down, flat, up) for each horizon of three classes. Each is one
file in `atb.models`, `build(spec, window)`; its spec with every option is in
`atb.config.architectures`. All leave as one ONNX file with fused `GRU` and `LSTM` operators and
without loops, within 1e-5 of Keras; `tests/contracts/test_architectures.py` asks that, and the
number of weights on paper, of every network and preset.

`mlp` and `cnn` read the window flattened. Of the others the newest step is taken: of recurrent
layers the last state, of `tcn` and `transformer` the last position. It is the bar the prediction is
made at, and the one that has seen most of the window; an average would weigh the oldest bar like
the newest.

Keras's LSTM has one bias for each gate, as counted here. Libraries that keep two, one for the input
and one for the state, count `4 x units` more for each layer and direction and compute the same.

`atb.models.hidden_states(model, windows)` gives what the last recurrent layer of a network holds at
every step: `[n, time, units x directions]`.

## Architectures

Weights of the default spec on 90 bars of 15 features with one output.

| architecture | what it is | weights |
|---|---|---|
"""
PRESETS = """
## Presets

Weights as the preset is, with the outputs of its target.

| preset | what it is | architecture | bars x features | weights |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page in Markdown."""
    architectures = "".join(_architecture(name, spec()) for name, spec in ARCHITECTURES.items())
    return HEAD + architectures + PRESETS + "".join(map(_preset, presets.names()))


def _architecture(name: str, spec: AnyArchitecture) -> str:
    purpose = (spec.__doc__ or "").splitlines()[0].rstrip(".")
    weights = network(spec, ReturnTarget(), WINDOW).count_params()
    return f"| `{name}` | {purpose} | {weights:,} |\n"


def _preset(name: str) -> str:
    config: TrainingConfig = presets.create_config_from_preset(name, "BTCUSDT")
    window = (config.window, len(SETS[config.features]))
    weights = network(config.model, config.target, window).count_params()
    size = f"{window[0]} x {window[1]}"
    purpose = presets.read(name).description
    return f"| `{name}` | {purpose} | `{config.model.architecture}` | {size} | {weights:,} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
