"""Laws of a step: where a run is cut, where it ends, and what its parts add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.architectures import Cnn, ConvRecurrent, Mlp
from atb.config.optimisation import Regularisation
from atb.config.targets import DirectionTarget, ReturnTarget, Target, TernaryTarget
from atb.errors import ConfigError

BATCHES, BATCH, BARS, FEATURES = 6, 12, 4, 3
RANDOM = ConvRecurrent(filters=(4,), pool=(2,), units=(4, 4), dense=(4,), dropout=0.4)
PLAIN = Mlp(dense=(8,), dropout=0.0)

Values = list[Any]


@pytest.fixture(scope="module", autouse=True)
def ready(tensorflow_ready: None) -> None:
    """Every test here computes with TensorFlow."""


def batches(classes: int, seed: int = 0) -> tuple[Any, Any]:
    """Windows `[BATCHES, BATCH, BARS, FEATURES]` and targets `[BATCHES, BATCH, 1]`."""
    rng = np.random.default_rng(seed)
    windows = rng.normal(size=(BATCHES, BATCH, BARS, FEATURES)).astype(np.float32)
    edges = {1: [], 2: [0.8], 3: [-0.8, 0.8]}[classes]  # rare classes, so that weights matter
    targets = windows[:, :, -1, :1]
    return windows, np.digitize(targets, edges).astype(np.float32) if edges else targets


def iterator(windows: Any, targets: Any) -> Iterator[Any]:
    import tensorflow as tf

    return iter(tf.data.Dataset.from_tensor_slices((windows, targets)))


def steps(target: Target, architecture: Any, descent: Any = None, **options: Any) -> Any:
    """Steps of a new network with the weights of seed 7."""
    import keras

    from atb.models import build
    from atb.training import loss
    from atb.training.steps import Steps

    keras.utils.set_random_seed(7)
    network = build.network(architecture, target, (BARS, FEATURES))
    optimizer = descent or keras.optimizers.Adam(0.01)
    optimizer.build(network.trainable_variables)
    weighted = Regularisation(class_weights="balanced" if target.classes > 1 else "none")
    train = batches(target.classes)[1].reshape(-1, 1)
    return Steps(network, optimizer, loss.build(target.classes, weighted, train), **options)


def run(runner: Any, source: Any, first: int, count: int, total: float = 0.0) -> tuple[float, int]:
    import tensorflow as tf

    begin, number = tf.constant(first, tf.int64), tf.constant(count, tf.int64)
    total, done = runner(source, begin, number, tf.constant(total, tf.float64))
    return float(total), int(done)


def values(made: Any) -> Values:
    """Every number a step may change: weights, seeds of dropout, the optimiser's memory."""
    variables = [*made.network.variables, *made.optimizer.variables]
    return [variable.numpy() for variable in variables]


def put(made: Any, kept: Values) -> None:
    variables = [*made.network.variables, *made.optimizer.variables]
    for variable, value in zip(variables, kept, strict=True):
        variable.assign(value)


def bits(kept: Values) -> list[bytes]:
    return [value.tobytes() for value in kept]


@pytest.fixture(scope="module")
def cut() -> Callable[[Sequence[int]], tuple[list[bytes], float]]:
    """`cut(counts)`: all bits after a run of calls with so many steps each, and its total."""
    from atb.training.augment import augment

    noise = augment(Regularisation(jitter=0.2, scaling=0.1), seed=3)
    made = steps(TernaryTarget(), RANDOM, augment=noise)
    runner, begin = made.runner(), values(made)

    def cut(counts: Sequence[int]) -> tuple[list[bytes], float]:
        put(made, begin)
        source, first, total = iterator(*batches(3)), 0, 0.0
        for count in counts:
            total, done = run(runner, source, first, count, total)
            assert done == count
            first += done
        return bits(values(made)), total

    return cut


@settings(max_examples=12, deadline=None)
@given(cuts=st.sets(st.integers(1, BATCHES - 1)))
def test_where_a_run_is_cut_into_calls_changes_no_bit(cut: Any, cuts: set[int]) -> None:
    """With dropout, batch normalisation, augmentation and class weights on."""
    places = [0, *sorted(cuts), BATCHES]
    whole, pieces = cut([BATCHES]), cut(np.diff(places).tolist())
    assert pieces == whole
    assert cut([BATCHES - 1])[0] != whole[0]


@pytest.fixture(scope="module")
def plain() -> tuple[Any, Any]:
    """Steps without anything random, and their runner."""
    made = steps(ReturnTarget(), PLAIN)
    return made, made.runner()


@pytest.mark.parametrize("bad", range(BATCHES))
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_run_ends_right_after_the_step_whose_loss_is_no_number(
    plain: Any, bad: int, number: float
) -> None:
    made, runner = plain
    begin = values(made)
    windows, targets = batches(1)
    targets[bad, 0] = number
    source = iterator(windows, targets)
    total, done = run(runner, source, 0, BATCHES)
    put(made, begin)
    assert done == bad + 1
    assert not np.isfinite(total)
    left = [batch.numpy() for batch, _ in source]
    assert len(left) == BATCHES - bad - 1
    assert not left or np.array_equal(left[0], windows[bad + 1])


def test_a_run_that_is_no_number_already_takes_no_step(plain: Any) -> None:
    made, runner = plain
    before = bits(values(made))
    total, done = run(runner, iterator(*batches(1)), 0, BATCHES, float("nan"))
    assert done == 0 and np.isnan(total)
    assert bits(values(made)) == before


@pytest.mark.parametrize(
    ("target", "parts"), [(ReturnTarget(), 12), (DirectionTarget(), 3), (TernaryTarget(), 2)]
)
def test_a_batch_in_parts_steps_as_the_whole_batch(target: Any, parts: int) -> None:
    """Plain gradient descent, so that a gradient of another size is a step of another size."""
    import keras

    ended = {}
    for accumulation in (1, parts):
        made = steps(target, PLAIN, keras.optimizers.SGD(0.5), accumulation=accumulation)
        begin = values(made)
        source = iterator(*batches(target.classes))
        ended[accumulation] = (run(made.runner(), source, 0, 3), values(made))
    (whole_total, whole), (parts_total, in_parts) = ended[1], ended[parts]
    assert parts_total == pytest.approx(whole_total, rel=1e-6)
    for a, b in zip(whole, in_parts, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
    moved = max(np.abs(a - b).max() for a, b in zip(whole, begin, strict=True))
    assert moved > 0.01


@pytest.mark.parametrize("parts", [1, 3])
def test_half_precision_loses_no_small_gradient(parts: int) -> None:
    """Of a loss so small that all its float16 gradients are 0, unless it is scaled for the tape."""
    import keras

    from atb.training import precision

    totals, moves = {}, {}
    for policy in ("float32", "mixed_float16"):
        descent = keras.optimizers.SGD(1e6)
        if policy == "mixed_float16":
            descent = keras.optimizers.LossScaleOptimizer(descent)
        with precision.policy(policy):
            made = steps(ReturnTarget(), PLAIN, descent, accumulation=parts)
        small = replace(made, loss=lambda targets, raw, of=made.loss: 1e-7 * of(targets, raw))
        begin = made.network.get_weights()
        totals[policy], _ = run(small.runner(), iterator(*batches(1)), 0, 3)
        ended = made.network.get_weights()
        moves[policy] = np.concatenate([np.ravel(b - a) for a, b in zip(begin, ended, strict=True)])
    assert totals["mixed_float16"] == pytest.approx(totals["float32"], rel=1e-2)
    largest = np.abs(moves["float32"]).max()
    assert largest > 0.01
    np.testing.assert_allclose(moves["mixed_float16"], moves["float32"], atol=0.03 * largest)


def test_a_class_weighs_the_same_in_whatever_part_it_falls() -> None:
    """Weights are counted on all train labels: a part without a class changes nothing."""
    import keras

    windows, targets = batches(3)
    order = np.argsort(targets[0, :, 0], kind="stable")
    assert len(set(targets[0, order[:2], 0])) == 1  # parts of two hold one class each
    ended = []
    for accumulation in (1, BATCH // 2):
        made = steps(TernaryTarget(), PLAIN, keras.optimizers.SGD(0.5), accumulation=accumulation)
        sorted_batch = iterator(windows[:1, order], targets[:1, order])
        ended.append((run(made.runner(), sorted_batch, 0, 1)[0], values(made)))
    assert ended[1][0] == pytest.approx(ended[0][0], rel=1e-6)
    for a, b in zip(ended[0][1], ended[1][1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("first", [0, 5, 2**40])
def test_noise_sees_the_number_of_the_step(first: int) -> None:
    """The windows become the step's number, the network hands it on and the loss is it."""
    import keras
    import tensorflow as tf

    from atb.training.steps import Steps

    inputs = keras.Input((BARS, FEATURES))
    taken = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)(inputs[:, -1, :1])
    network, optimizer = keras.Model(inputs, taken), keras.optimizers.SGD(0.0)
    optimizer.build(network.trainable_variables)
    made = Steps(
        network,
        optimizer,
        lambda targets, raw: raw[:, 0],
        augment=lambda number, windows: tf.zeros_like(windows) + tf.cast(number, tf.float32),
    )
    runner, source = made.runner(), iterator(*batches(1))
    assert run(runner, source, first, 1) == (first, 1)
    total, done = run(runner, source, first + 1, 3)
    assert (total, done) == (sum(float(np.float32(first + n)) for n in (1, 2, 3)), 3)


def test_noise_does_not_depend_on_the_parts_of_a_batch() -> None:
    import keras

    from atb.training.augment import augment

    noise = augment(Regularisation(jitter=0.5, scaling=0.5), seed=3)
    ended = []
    for accumulation in (1, 4):
        descent = keras.optimizers.SGD(0.5)
        made = steps(DirectionTarget(), PLAIN, descent, augment=noise, accumulation=accumulation)
        ended.append((run(made.runner(), iterator(*batches(2)), 0, BATCHES)[0], values(made)))
    assert ended[1][0] == pytest.approx(ended[0][0], rel=1e-6)
    for a, b in zip(ended[0][1], ended[1][1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_two_trainings_of_one_seed_are_equal_in_every_bit_and_another_seed_is_not(
    cut: Any,
) -> None:
    assert cut([BATCHES]) == cut([BATCHES])


@pytest.fixture(scope="module")
def compiled() -> tuple[Any, Any, Values]:
    """Steps of a random network compiled by XLA, their runner, and where they begin."""
    from atb.training.augment import augment

    noise = augment(Regularisation(jitter=0.2, scaling=0.1), seed=3)
    spec = Mlp(dense=(8,), dropout=0.4)
    made = steps(TernaryTarget(), spec, augment=noise, jit_compile=True)
    return made, made.runner(), values(made)


def test_where_a_compiled_run_is_cut_into_calls_changes_no_bit(compiled: Any) -> None:
    made, runner, begin = compiled
    ended = []
    for counts in ([BATCHES], [BATCHES], [1, 2, BATCHES - 3]):
        put(made, begin)
        source, first, total = iterator(*batches(3)), 0, 0.0
        for count in counts:
            total, done = run(runner, source, first, count, total)
            first += done
        ended.append((bits(values(made)), total, first))
    assert ended[0] == ended[1] == ended[2]
    assert ended[0][0] != bits(begin)


def test_a_compiled_run_steps_as_an_interpreted_one() -> None:
    ended = []
    for jit_compile in (False, True):
        made = steps(TernaryTarget(), PLAIN, jit_compile=jit_compile)
        total = run(made.runner(), iterator(*batches(3)), 0, 3)
        ended.append((total, values(made)))
    assert ended[1][0] == pytest.approx(ended[0][0], rel=1e-5)
    for a, b in zip(ended[0][1], ended[1][1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


def test_what_xla_cannot_compile_is_an_error_of_the_recipe() -> None:
    """The gradient of a max-pool, as long as results are deterministic."""
    spec = Cnn(filters=(2,), pool=(2,), dense=())
    runner = steps(TernaryTarget(), spec, jit_compile=True).runner()
    with pytest.raises(ConfigError, match=r"XLA cannot compile .* MaxPool") as raised:
        run(runner, iterator(*batches(3)), 0, 1)
    assert (raised.value.where, raised.value.remedy) == (
        "training.hardware.jit_compile",
        "set it to false",
    )


@pytest.mark.parametrize("parts", [1, 3])
def test_a_penalty_on_weights_moves_them_and_is_not_reported(parts: int) -> None:
    """Of 3 w^2 on the one weight w, whose loss is the same whatever it is."""
    import keras
    import tensorflow as tf

    from atb.training.steps import Steps

    inputs = keras.Input((BARS, FEATURES))
    weight = keras.layers.Dense(
        1, kernel_initializer="ones", use_bias=False, kernel_regularizer=keras.regularizers.L2(3.0)
    )
    network = keras.Model(inputs, weight(inputs[:, -1, :1]))
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(network.trainable_variables)
    made = Steps(network, optimizer, lambda _, raw: tf.ones_like(raw[:, 0]), accumulation=parts)
    assert run(made.runner(), iterator(*batches(1)), 0, 2) == (2.0, 2)
    assert network.get_weights()[0].item() == pytest.approx((1 - 0.1 * 6) ** 2)
