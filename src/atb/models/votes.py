"""Layers that make one answer of several networks' raw outputs, in shares that add up to one.

Raw outputs are those of `atb.models.heads`, and so is what leaves: the standardised value of each
horizon, the logit of a rise, or the logits of three classes. Means are taken of probabilities;
their logarithms are the logits that give them back. Knows no network.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

LEAST = 1e-12  # of a probability: its logarithm must be a number


class _Joint(layers.Layer):  # type: ignore[misc]
    """M raw outputs `[B, W]` to one, in float32 whatever precision their networks have.

    Its only weights are the shares `[M]`, which are not trained: equal until they are set.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")

    def build(self, input_shape: list[tuple[int | None, int]]) -> None:
        """Equal shares."""
        equal = keras.initializers.Constant(1 / len(input_shape))
        self.shares = self.add_weight(
            shape=(len(input_shape),), initializer=equal, trainable=False, name="shares"
        )

    def call(self, raw: list[Any]) -> Any:
        """`[B, W]` each to `[B, W]`."""
        return self.joined(ops.stack(raw, axis=1))

    def joined(self, raw: Any) -> Any:
        """`[B, M, W]` to `[B, W]`."""
        raise NotImplementedError

    def mean(self, answers: Any) -> Any:
        """Weighted mean over the members of `[B, M, ...]`."""
        shares = ops.reshape(self.shares, (1, -1, *(1 for _ in answers.shape[2:])))
        return ops.sum(answers * shares, axis=1)

    def compute_output_shape(self, input_shape: list[tuple[int | None, int]]) -> Any:
        """That of one member."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again: its name."""
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="atb")
class MeanValue(_Joint):
    """The weighted mean of quantities."""

    def joined(self, raw: Any) -> Any:
        """`[B, M, K]` to `[B, K]`."""
        return self.mean(raw)


class _Vote(_Joint):
    """A joint answer of classes.

    Args:
        classes: two, with one logit for each horizon, or three, with three.
        name: of the layer.
    """

    def __init__(self, classes: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.classes = classes

    def joined(self, raw: Any) -> Any:
        """`[B, M, K * L]` to `[B, K * L]`."""
        _, members, width = raw.shape
        if self.classes == 2:  # one logit z is the pair (0, z), whose softmax is sigmoid
            logits = ops.stack([ops.zeros_like(raw), raw], axis=-1)
        else:
            logits = ops.reshape(raw, (-1, members, width // self.classes, self.classes))
        shares = self.probabilities(ops.softmax(logits, axis=-1))
        made = ops.log(ops.maximum(shares, LEAST))
        if self.classes == 2:
            return made[..., 1] - made[..., 0]
        return ops.reshape(made, (-1, width))

    def probabilities(self, given: Any) -> Any:
        """Of the members `[B, M, K, C]` to joint ones `[B, K, C]`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="atb")
class SoftVote(_Vote):
    """The weighted mean of the members' probabilities."""

    def probabilities(self, given: Any) -> Any:
        """`[B, M, K, C]` to `[B, K, C]`."""
        return self.mean(given)


@keras.saving.register_keras_serializable(package="atb")
class HardVote(_Vote):
    """The share of members that decide on each class.

    Beside the M members one more votes, by their mean probabilities: it decides between classes
    with as many votes, and none of them is ever certain.
    """

    def probabilities(self, given: Any) -> Any:
        """`[B, M, K, C]` to `[B, K, C]`."""
        members = given.shape[1]
        likeliest = ops.equal(given, ops.max(given, axis=-1, keepdims=True))
        votes = ops.cast(likeliest, "float32")
        votes /= ops.sum(votes, axis=-1, keepdims=True)  # one, shared by classes as likely
        return (self.mean(votes) * members + self.mean(given)) / (members + 1)
