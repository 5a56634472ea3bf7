from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import ResourceError
from atb.presets import resolve

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

WINDOWS = 10_000_000  # so many that the steps of an epoch do not matter
WEIGHTS, EACH = 1_000, 10  # bytes of a faked network, and of each window


@dataclass
class FakeDevice:
    """A device that runs out of memory where it says so."""

    memory: int
    error: type[BaseException] | None = MemoryError
    tried: list[int] = field(default_factory=list)

    def step(self, batch: int) -> None:
        import tensorflow as tf

        self.tried.append(batch)
        if WEIGHTS + EACH * batch > self.memory:
            if self.error is None:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
            raise self.error


def config(*assignments: str) -> Any:
    return resolve("balanced", "BTCUSDT", assignments=assignments).config


def largest(
    fake: FakeDevice,
    *assignments: str,
    guessed: float = 1.0,
    gpu: bool = True,
    windows: int = WINDOWS,
) -> Any:
    """The choice when the estimate says `guessed` times what a step really takes."""
    from atb.training import batch_size

    device = batch_size.Device("Fake", fake.memory, gpu)
    return batch_size.largest(
        config(*assignments),
        windows,
        device=device,
        need=lambda batch: int(guessed * (WEIGHTS + EACH * batch)),
        step=fake.step,
    )


def test_the_largest_power_of_two_that_fits_is_taken() -> None:
    fake = FakeDevice(WEIGHTS + EACH * 1500)
    chosen = largest(fake)
    assert chosen.batch == 1024
    assert fake.tried == [1024, 2048]  # the guess, then its double, which this GPU refuses
    assert chosen.reason == "a step of 2048 windows ran out of the 0.0 GiB of Fake"


@pytest.mark.parametrize("error", [MemoryError, None])
def test_a_guess_too_large_is_halved_until_a_step_works(error: Any) -> None:
    fake = FakeDevice(WEIGHTS + EACH * 100, error)
    assert largest(fake, guessed=0.2).batch == 64
    assert fake.tried[-2:] == [128, 64]
    assert fake.tried == sorted(fake.tried, reverse=True)


def test_a_guess_too_small_is_doubled_once() -> None:
    fake = FakeDevice(WEIGHTS + EACH * 5000)
    chosen = largest(fake, guessed=4)
    assert fake.tried == [1024, 2048]
    assert chosen.batch == 2048
    assert chosen.reason.startswith("twice what the estimate allows fits")


def test_a_cpu_is_never_pushed_beyond_the_guess() -> None:
    fake = FakeDevice(WEIGHTS + EACH * 1500)
    chosen = largest(fake, gpu=False, guessed=4)
    assert fake.tried == [chosen.batch] == [256]
    assert "by the estimate" in chosen.reason


@pytest.mark.parametrize(
    ("windows", "most"), [(10_000, 512), (16 * 64, 64), (16 * 64 - 1, 32), (20, 4), (1, 4)]
)
def test_an_epoch_keeps_16_steps(windows: int, most: int) -> None:
    fake = FakeDevice(10**12)
    chosen = largest(fake, "training.batch=4", windows=windows)
    assert chosen.batch == most
    assert fake.tried == [most]
    assert chosen.reason == "more would leave fewer than 16 steps in an epoch"


def test_the_steps_of_an_epoch_take_nothing_from_what_was_asked_for() -> None:
    chosen = largest(FakeDevice(10**12), windows=16 * 48 - 1)
    assert (chosen.batch, chosen.learning_rate) == (chosen.asked_batch, chosen.asked_rate)
    assert chosen.batch == 48


def test_every_part_of_a_batch_keeps_a_window() -> None:
    parts = "training.hardware.accumulation=6"
    assert largest(FakeDevice(WEIGHTS + EACH * 8), parts).batch == 8
    fake = FakeDevice(WEIGHTS + EACH * 7)
    with pytest.raises(ResourceError, match="not even a batch of 8 windows fits"):
        largest(fake, parts)
    assert fake.tried == [8]


def test_the_rate_stays_within_what_a_recipe_may_have() -> None:
    chosen = largest(FakeDevice(10**12), "training.learning_rate=0.5")
    assert chosen.learning_rate == 1
    assert chosen.reason.endswith("; the learning rate stays at 1, the largest there is")
    config(f"training.learning_rate={chosen.learning_rate}", f"training.batch={chosen.batch}")


def test_a_device_too_small_for_one_window_is_an_error() -> None:
    fake = FakeDevice(WEIGHTS)
    with pytest.raises(ResourceError, match="not even one window fits") as caught:
        largest(fake)
    assert caught.value.exit_code == 6
    assert fake.tried == [1]


def test_other_errors_of_a_step_are_not_taken_for_too_little_memory() -> None:
    with pytest.raises(ZeroDivisionError):
        largest(FakeDevice(WEIGHTS, ZeroDivisionError))


def test_the_rate_grows_with_the_root_of_the_batch_and_both_are_recorded() -> None:
    chosen = largest(FakeDevice(WEIGHTS + EACH * 1500))
    assert (chosen.asked_batch, chosen.asked_rate) == (48, 1e-3)
    assert chosen.learning_rate == pytest.approx(1e-3 * math.sqrt(1024 / 48))
    assert chosen.to_json() == {
        "asked_batch": 48,
        "asked_rate": 1e-3,
        "batch": 1024,
        "learning_rate": chosen.learning_rate,
        "device": "Fake",
        "memory": WEIGHTS + EACH * 1500,
        "reason": chosen.reason,
    }


@settings(deadline=None)
@given(st.integers(1, 10**7), st.floats(0.3, 3.0), st.booleans())
def test_the_choice_fits_and_is_at_most_a_double_away(
    fitting: int, guessed: float, gpu: bool
) -> None:
    fake = FakeDevice(WEIGHTS + EACH * fitting)
    batch = largest(fake, guessed=guessed, gpu=gpu).batch
    assert batch & (batch - 1) == 0
    assert batch <= fitting
    if guessed <= 1:  # never less than could be had, where the estimate is not too high
        assert 2 * batch > min(fitting, WINDOWS // 32)


@pytest.mark.parametrize(
    ("name", "gibibytes"),
    [
        ("Tesla T4", 16),
        ("NVIDIA L4", 24),
        ("NVIDIA L40", 48),
        ("NVIDIA A100-SXM4-80GB", 80),
        ("NVIDIA A100-PCIE-40GB", 40),
        ("NVIDIA GeForce RTX 3060 Ti", 12),
        ("NVIDIA H200", 141),
        ("NVIDIA T400", None),
        ("NVIDIA RTX A4000", None),
    ],
)
def test_common_gpus_are_known_by_the_words_of_their_names(name: str, gibibytes: Any) -> None:
    from atb.training.batch_size import GIB, known_memory

    assert known_memory(name) == (None if gibibytes is None else gibibytes * GIB)


def test_a_gpu_that_tells_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.training import batch_size, precision

    silent = precision.Gpu("Tesla T4", (7, 5), None)
    monkeypatch.setattr(precision, "gpus", lambda: [silent])
    found = batch_size.find_device()
    assert (found.name, found.is_gpu) == ("Tesla T4", True)
    assert found.memory == int(0.9 * 16 * batch_size.GIB)
    monkeypatch.setattr(precision, "gpus", lambda: [precision.Gpu("Tesla T4", (7, 5), 8_000)])
    assert batch_size.find_device().memory == 7_200


def test_of_several_gpus_the_smallest_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.training import batch_size, precision

    gpus = [precision.Gpu(name, (8, 0), size) for name, size in (("A", 900), ("B", 800), ("C", 7))]
    monkeypatch.setattr(precision, "gpus", lambda: gpus)
    assert [batch_size.find_device(count).name for count in (1, 2, 3)] == ["A", "B", "C"]


def test_a_cpu_counts_on_half_of_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb import machine
    from atb.training import batch_size, precision

    monkeypatch.setattr(precision, "gpus", list)
    monkeypatch.setattr(machine, "examine", lambda: machine.Machine(2, 10_000, 6_000))
    assert batch_size.find_device() == batch_size.Device("CPU", 3_000, is_gpu=False)


def test_real_steps_on_this_machine() -> None:
    from atb.training import batch_size

    chosen = batch_size.largest(config(), 2_000)
    assert chosen.batch == 64
    assert chosen.learning_rate == pytest.approx(1e-3 * math.sqrt(64 / 48))
