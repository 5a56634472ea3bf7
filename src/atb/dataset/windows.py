"""Windows gathered by index inside tf.data; nothing of size rows x length ever exists.

Windows know nothing about candles: they see a float matrix and integer ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class Windows:
    """Batches of windows over one matrix, held once.

    Args:
        matrix: `[N, F]` float32.
        target: `[N, K]` float32 values that belong to the window ending at each row.
        window: rows a window shows.
    """

    def __init__(self, matrix: Float32, target: Float32, window: int) -> None:
        with tf.device("CPU"):
            self._matrix = tf.convert_to_tensor(matrix)
            self._target = tf.convert_to_tensor(target)
        self._offsets = tf.range(1 - window, 1, dtype=tf.int64)

    def _gather(self, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = ends[:, tf.newaxis] + self._offsets
        return tf.gather(self._matrix, rows), tf.gather(self._target, ends)

    def in_order(self, ends: Int64, batch: int) -> tf.data.Dataset:
        """Each window once, in the order given.

        Yields `[B, window, F]` and `[B, K]` float32; the last batch may be smaller.
        """
        indices = tf.data.Dataset.from_tensor_slices(ends).batch(batch)
        return indices.map(self._gather).prefetch(2)

    def epoch(
        self, ends: Int64, batch: int, *, seed: int, number: int, start: int = 0
    ) -> tf.data.Dataset:
        """The full batches of one shuffled epoch, from batch `start` on.

        The order is a permutation that depends on `seed` and `number` alone, so an epoch can be
        taken up at any batch. The few windows that fill no batch are others in every epoch.

        Args:
            ends: `[M]` int64 window ends to draw from.
            batch: windows in a batch.
            seed: seed of the permutations.
            number: of the epoch, from 0.
            start: batches to leave out at the beginning.
        """
        with tf.device("CPU"):
            order = tf.random.experimental.stateless_shuffle(ends, seed=[seed, number])
            rest = order[start * batch :]
        indices = tf.data.Dataset.from_tensor_slices(rest).batch(batch, drop_remainder=True)
        return indices.map(self._gather).prefetch(4)
