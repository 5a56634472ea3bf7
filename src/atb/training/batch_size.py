"""The largest batch that a device's memory holds, and the learning rate that goes with it.

An estimate gives the first guess; a step that is really taken decides. Knows memory and steps; it
knows no data beyond the number of windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import tensorflow as tf

from atb import machine
from atb.config.optimisation import LARGEST_RATE
from atb.config.training import TrainingConfig
from atb.errors import ResourceError
from atb.training import memory, precision, trial

GIB = 1 << 30

# Memory of common GPUs in GiB, for drivers that do not tell, by words of their names (the maker's
# data sheets); the first that a GPU's name contains decides.
GPU_MEMORY: tuple[tuple[str, int], ...] = (
    ("GB200", 186),
    ("B200", 180),
    ("H200", 141),
    ("H100", 80),
    ("A100 SXM4 80GB", 80),
    ("A100 80GB", 80),
    ("A100", 40),
    ("L40", 48),
    ("L4", 24),
    ("A40", 48),
    ("A30", 24),
    ("A10", 24),
    ("V100 SXM2 32GB", 32),
    ("V100", 16),
    ("P100", 16),
    ("T4", 16),
    ("RTX 6000 Ada", 48),
    ("RTX A6000", 48),
    ("RTX 5090", 32),
    ("RTX 5080", 16),
    ("RTX 5070", 12),
    ("RTX 4090", 24),
    ("RTX 4080", 16),
    ("RTX 4070", 12),
    ("RTX 4060", 8),
    ("RTX 3090", 24),
    ("RTX 3080", 10),
    ("RTX 3070", 8),
    ("RTX 3060", 12),
    ("RTX 2080", 8),
    ("GTX 1080", 8),
)
# Of the memory, how much a step may take: a GPU also holds its libraries, a CPU's other programs
# are not to be driven into swap.
GPU_SHARE, CPU_SHARE = 0.9, 0.5
UNKNOWN_MEMORY = 4 * GIB  # where neither driver nor table nor system tells
# Fewer steps in an epoch and early stopping has too little to choose from.
LEAST_STEPS = 16

Step = Callable[[int], object]
Need = Callable[[int], int]


@dataclass(frozen=True)
class Device:
    """What a step is computed on.

    Attributes:
        name: for people.
        memory: bytes a step may count on.
        is_gpu: whether running out of memory is an error there, not a slow or killed process.
    """

    name: str
    memory: int
    is_gpu: bool


@dataclass(frozen=True)
class Choice:
    """A batch and its learning rate, beside those that were asked for.

    Attributes:
        asked_batch: windows in a step, as the recipe has it.
        asked_rate: its learning rate.
        batch: windows in a step that fit.
        learning_rate: the rate that goes with them.
        device: what it was tried on.
        memory: bytes a step may count on there.
        reason: why not twice as many, in words.
    """

    asked_batch: int
    asked_rate: float
    batch: int
    learning_rate: float
    device: str
    memory: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


def largest(
    config: TrainingConfig,
    windows: int,
    *,
    device: Device | None = None,
    need: Need | None = None,
    step: Step | None = None,
) -> Choice:
    """The largest batch that fits, a power of two or the one asked for, and the rate for it.

    The rate grows with the square root of the batch, which keeps the size of the noise in a step
    (Krizhevsky 2014, arXiv:1404.5997; Hoffer, Hubara and Soudry 2017, arXiv:1705.08741). An
    epoch has at least 16 steps, unless the batch asked for leaves fewer. The weights and seeds of
    Keras are left as after a few steps of training: set the seed before building the network.

    Args:
        config: the recipe.
        windows: how many it trains on.
        device: what it is trained on; None takes the smallest GPU used, or the CPU.
        need: batch to the bytes a step is likely to take; None estimates.
        step: takes a step of a batch and raises when memory runs out; None takes real ones.

    Raises:
        ResourceError: when not even one window for each part of a batch fits.
    """
    place = device or find_device(config.training.hardware.devices)
    policy = _policy(config)
    need = need or (lambda batch: memory.estimate(config, policy, batch).total)
    step = step or (lambda batch: _real_step(config, policy, batch))
    most = bound(config, windows)
    spec = config.training
    least = _parts(config)
    guess = _guess(need, most, least, place)
    batch = _tried(step, guess, most, least, place)
    rate = spec.learning_rate * math.sqrt(batch / spec.batch)
    reason = _reason(batch, guess, most, place)
    if rate > LARGEST_RATE:
        rate = LARGEST_RATE
        reason += f"; the learning rate stays at {rate:g}, the largest there is"
    return Choice(spec.batch, spec.learning_rate, batch, rate, place.name, place.memory, reason)


def bound(config: TrainingConfig, windows: int) -> int:
    """The largest power of two that leaves 16 steps in an epoch, or the batch asked for if larger.

    >>> bound(TrainingConfig(symbol="BTCUSDT"), 10_000)
    512
    """
    return max(_power_of_two(max(windows // LEAST_STEPS, 1)), config.training.batch)


def find_device(count: int = 1) -> Device:
    """The smallest of the first GPUs, else the CPU, with the memory a step may count on.

    Args:
        count: GPUs that share each batch.
    """
    sizes = [
        (gpu.memory or known_memory(gpu.name) or UNKNOWN_MEMORY, gpu.name)
        for gpu in precision.gpus()[:count]
    ]
    if sizes:
        size, name = min(sizes)
        return Device(name, int(GPU_SHARE * size), is_gpu=True)
    available = machine.examine().available or UNKNOWN_MEMORY
    return Device("CPU", int(CPU_SHARE * available), is_gpu=False)


def known_memory(name: str) -> int | None:
    """Bytes of a GPU by its name, None for one not in the table.

    >>> known_memory("NVIDIA GeForce RTX 4090") // GIB
    24
    """
    words = f" {name.replace('-', ' ')} "
    return next((GIB * size for known, size in GPU_MEMORY if f" {known} " in words), None)


def _policy(config: TrainingConfig) -> str:
    hardware = config.training.hardware
    return precision.choose(hardware.precision, precision.gpus()[: hardware.devices]).policy


def _parts(config: TrainingConfig) -> int:
    """The smallest batch: one window for each device and part."""
    return config.training.hardware.devices * config.training.hardware.accumulation


def _guess(need: Need, most: int, least: int, device: Device) -> int:
    """The most whose estimate fits, after halving as often as it takes; the last when none does."""
    batch = most
    while batch // 2 >= least and need(batch) > device.memory:
        batch //= 2
    return batch


def _tried(step: Step, guess: int, most: int, least: int, device: Device) -> int:
    """The guess if a step of it works, else half of it and so on; on a GPU perhaps twice as much.

    A GPU refuses what is too much; a CPU would swap or be killed, so nothing is risked there.
    """
    batch = guess
    while not _works(step, batch):
        if batch // 2 < least:
            fewest = "one window fits" if batch == 1 else f"a batch of {batch} windows fits"
            raise ResourceError(
                f"not even {fewest} the {device.memory / GIB:.1f} GiB of {device.name}",
                remedy="take a smaller network or a shorter --sequence-length",
            )
        batch //= 2
    may_double = device.is_gpu and batch == guess and 2 * batch <= most
    return 2 * batch if may_double and _works(step, 2 * batch) else batch


def _works(step: Step, batch: int) -> bool:
    try:
        step(batch)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        return False
    return True


def _real_step(config: TrainingConfig, policy: str, batch: int) -> None:
    """Two steps, since the second also holds what the first left."""
    try:
        trial.runner(config, policy, batch)(2)
    finally:
        keras.backend.clear_session()


def _reason(batch: int, guess: int, most: int, device: Device) -> str:
    has = f"{device.memory / GIB:.1f} GiB of {device.name}"
    if batch == most:
        return f"more would leave fewer than {LEAST_STEPS} steps in an epoch"
    if batch < guess:
        return f"a step of {2 * batch} windows ran out of the {has}"
    if batch > guess:
        return f"twice what the estimate allows fits the {has}; more was not tried"
    verdict = "ran out of" if device.is_gpu else "would, by the estimate, exceed"
    return f"a step of {2 * batch} windows {verdict} the {has}"


def _power_of_two(number: int) -> int:
    """The largest power of two up to a number of at least 1."""
    return 1 << (number.bit_length() - 1)
