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
        target: `[N]` float32 value that belongs to the window ending at each row.
        window: rows a window shows.
    """

    def __init__(self, matrix: Float32, target: Float32, window: int) -> None:
        with tf.device("CPU"):
            self._matrix = tf.convert_to_tensor(matrix)
            self._target = tf.convert_to_tensor(target)
        self._offsets = tf.range(1 - window, 1, dtype=tf.int64)

    def _gather(self, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = ends[:, tf.newaxis] + self._offsets
        return tf.gather(self._matrix, rows), tf.gather(self._target, ends)[:, tf.newaxis]

    def in_order(self, ends: Int64, batch: int) -> tf.data.Dataset:
        """Each window once, in the order given.

        Yields `[B, window, F]` and `[B, 1]` float32; the last batch may be smaller.
        """
        indices = tf.data.Dataset.from_tensor_slices(ends).batch(batch)
        return indices.map(self._gather).prefetch(2)

    def epochs(
        self, ends: Int64, batch: int, steps: int, seed: int, first: int = 0
    ) -> tf.data.Dataset:
        """Endless shuffled epochs of exactly `steps` full batches each.

        Epoch k is the beginning of a permutation that depends on `seed` and k alone: no window
        comes twice in it, the order can be resumed at any epoch, and the few windows that do not
        fit are others in every epoch.

        Args:
            ends: `[M]` int64 window ends to draw from.
            batch: windows in a batch.
            steps: batches in an epoch, at most `M // batch`.
            seed: seed of the permutations.
            first: number of the epoch to start at.
        """
        indices = tf.convert_to_tensor(ends)

        def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(indices, seed=[seed, epoch])
            whole = tf.data.Dataset.from_tensor_slices(order).batch(batch, drop_remainder=True)
            return whole.take(steps)

        return tf.data.Dataset.counter(first).flat_map(shuffled).map(self._gather).prefetch(4)
