"""The devices that share each batch of a training."""

from __future__ import annotations

import tensorflow as tf

from atb.errors import ResourceError


def strategy(count: int) -> tf.distribute.Strategy:
    """Where the copies of a network live: TensorFlow's default for one device, mirrors for more.

    GPUs are taken if there are any, else logical CPU devices.

    Raises:
        ResourceError: when there are fewer devices.
    """
    if count == 1:
        return tf.distribute.get_strategy()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    found = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(found) < count:
        raise ResourceError(
            f"{count} devices are asked for, TensorFlow sees {len(found)} {kind}",
            where="--devices",
            remedy="ask for fewer; see: atb doctor",
        )
    # Not the default, collectives: a process's next training, of other shapes, clashes with them.
    summed = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(found[:count], cross_device_ops=summed)
