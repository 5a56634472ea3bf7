"""Peaks of graphs small enough to be counted by hand; a vector of 1000 float32 is 4000 bytes."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

VECTOR = 4000


def peak(function: Any, shape: tuple[int, ...] = (1000,)) -> int:
    import tensorflow as tf

    from atb.training import liveness

    given = tf.TensorSpec(shape, tf.float32)
    traced = tf.function(function, autograph=False).get_concrete_function(given)
    return liveness.peak(traced.graph)


def test_a_chain_holds_two_links_at_a_time() -> None:
    import tensorflow as tf

    def chain(x: Any) -> Any:
        for _ in range(5):
            x = tf.sin(x)
        return tf.reduce_sum(x)

    assert peak(chain) == 2 * VECTOR


def test_what_is_read_late_lives_long() -> None:
    import tensorflow as tf

    def early(x: Any) -> Any:
        first = tf.sin(x)
        y = tf.cos(tf.cos(tf.cos(first)))
        return tf.reduce_sum(y) + tf.reduce_sum(first)

    assert peak(early) == 3 * VECTOR


def test_what_no_output_needs_and_the_output_itself_do_not_count() -> None:
    import tensorflow as tf

    def idle(x: Any) -> Any:
        tf.sin(tf.sin(tf.sin(x)))
        return tf.cos(x)

    assert peak(idle) == 0


def test_a_view_is_no_copy() -> None:
    import tensorflow as tf

    def view(x: Any) -> Any:
        y = tf.sin(x)
        return tf.reduce_sum(tf.reshape(tf.identity(y), (10, 100)))

    assert peak(view) == VECTOR


def test_a_backward_pass_keeps_what_it_reads() -> None:
    """The gradient of sin(sin(sin(x))) reads every cosine's argument: two sines and the input."""
    import tensorflow as tf

    def forward(x: Any) -> Any:
        return tf.reduce_sum(tf.sin(tf.sin(tf.sin(x))))

    def backward(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = forward(x)
        return tape.gradient(y, x)

    assert peak(backward) >= 3 * VECTOR > peak(forward)


@pytest.mark.parametrize("steps", [10, 40])
def test_a_loop_keeps_one_tensor_for_each_step_its_gradient_reads(steps: int) -> None:
    """The gradient of sin reads its argument: one vector for each step, beside a few at work."""
    import tensorflow as tf

    def loop(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            _, y = tf.while_loop(
                lambda i, _: i < steps,
                lambda i, y: (i + 1, tf.sin(y)),
                (0, x),
                maximum_iterations=steps,
            )
            y = tf.reduce_sum(y)
        return tape.gradient(y, x)

    assert steps * VECTOR <= peak(loop) <= (steps + 6) * VECTOR


def test_a_recurrent_layer_keeps_its_gates_for_each_step() -> None:
    """Of a GRU at least input, two gates, candidate and state at each of its steps."""
    import keras
    import tensorflow as tf

    layer = keras.layers.GRU(16)
    layer.build((None, 30, 16))

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x))
        return tape.gradient(loss, [variable.value for variable in layer.trainable_variables])

    kept = 30 * 100 * 16 * 4
    assert 5 * kept < peak(step, (100, 30, 16)) < 10 * kept


def test_what_a_fused_kernel_keeps_is_counted_though_it_has_no_shape() -> None:
    """Output `[30, 100, 16]` and six times as much for the gradient, alive together."""
    import tensorflow as tf

    def fused(x: Any) -> Any:
        state = tf.zeros((1, 100, 16))
        made = tf.raw_ops.CudnnRNNV3(
            input=x,
            input_h=state,
            input_c=state,
            params=tf.zeros((2304,)),
            sequence_lengths=tf.fill((100,), 30),
            is_training=True,
        )
        return tf.reduce_sum(made[0]) + tf.reduce_sum(made[3])

    output = 30 * 100 * 16 * 4
    assert 7 * output < peak(fused, (30, 100, 16)) < 7.5 * output
