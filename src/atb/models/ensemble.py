"""Several networks of the same windows, and the layer that makes one answer of theirs.

Each member is a network inside this one, with its own head. Knows neither how the members are
trained nor what the target means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from atb.config.architectures import Ensemble, Member
from atb.config.ensemble import Stacking, Voting
from atb.config.targets import Target
from atb.models.build import network as built
from atb.models.heads import logits
from atb.models.votes import HardVote, MeanValue, SoftVote

VOTES: Mapping[str, Callable[..., Any]] = {
    "soft": SoftVote,
    "weighted": SoftVote,
    "hard": HardVote,
}


def network(spec: Ensemble, target: Target, window: tuple[int, int]) -> keras.Model:
    """The whole network of a spec.

    Args:
        spec: the members, and the rule that joins them.
        target: decides the heads of all.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, K * L]` float32 raw output, horizon after
        horizon.

    Raises:
        ConfigError: when a member cannot read such a window or predict such a target.
    """
    inputs = keras.Input(window, name="features")
    raw = [_member(member, target, window)(inputs) for member in spec.members]
    made = JOINTS[spec.rule.kind](spec.rule, target, raw)
    return keras.Model(inputs, made, name=spec.architecture)


def layer_of(member: str) -> str:
    """The name that a member has within the network of its ensemble."""
    return f"member_{member}"


def shares_of(weights: npt.ArrayLike) -> list[Any]:
    """The weights of a voting layer, from those of its members `[M]`, of any sum."""
    given = np.asarray(weights, np.float64)
    return [given / given.sum()]


def _member(member: Member, target: Target, window: tuple[int, int]) -> keras.Model:
    inner = built(member.model, target, window)
    return keras.Model(inner.input, inner.output, name=layer_of(member.name))


def _vote(rule: Voting, target: Target, raw: list[keras.KerasTensor]) -> keras.KerasTensor:
    """The members' votes, in equal shares unless the rule says others."""
    name = f"{target.output}_head"
    quantities = target.classes == 1
    joint = MeanValue(name=name) if quantities else VOTES[rule.voting](target.classes, name=name)
    made = joint(raw)
    if rule.weights is not None:
        joint.set_weights(shares_of(rule.weights))
    return made


def _line(_rule: Stacking, target: Target, raw: list[keras.KerasTensor]) -> keras.KerasTensor:
    """A linear layer over the members' raw outputs, one member after the other: at first, a mean.

    `atb.tabular` finds the one that is wanted.
    """
    width = len(target.horizons) * logits(target)
    line = layers.Dense(width, dtype="float32", name=f"{target.output}_head")
    made = line(layers.Concatenate(dtype="float32", name="members")(raw))
    line.set_weights([np.tile(np.eye(width), (len(raw), 1)) / len(raw), np.zeros(width)])
    return made


JOINTS: Mapping[str, Callable[[Any, Target, list[Any]], Any]] = {"voting": _vote, "stacking": _line}
