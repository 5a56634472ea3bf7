"""Which number format a network computes in: asked for, or by what the GPUs are good at.

Knows GPUs by their descriptions, no network.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf

log = logging.getLogger(__name__)

MIB = 1 << 20
DRIVER_SECONDS = 10.0  # nvidia-smi hangs where the driver does

# Smallest NVIDIA compute capability with tensor cores for the half-precision part of each policy
# (CUDA C++ Programming Guide, "Feature Support per Compute Capability"), best first.
MINIMUM: Mapping[str, tuple[int, int]] = {"mixed_bfloat16": (8, 0), "mixed_float16": (7, 0)}


@dataclass(frozen=True)
class Gpu:
    """A GPU as TensorFlow and its driver describe it.

    Attributes:
        name: as the maker calls it.
        capability: NVIDIA compute capability; None where there is none.
        memory: bytes; None where nobody tells.
    """

    name: str
    capability: tuple[int, int] | None
    memory: int | None

    def __str__(self) -> str:
        """Name and capability."""
        if self.capability is None:
            return f"{self.name} (no compute capability known)"
        return f"{self.name} (compute capability {self.capability[0]}.{self.capability[1]})"


@dataclass(frozen=True)
class Precision:
    """A Keras dtype policy and why it was taken."""

    policy: str
    reason: str


def choose(asked: str, gpus: Sequence[Gpu]) -> Precision:
    """The dtype policy of a training on these GPUs, which must all compute in it.

    Args:
        asked: `auto`, or the policy to take whatever the GPUs are good at.
        gpus: those the training uses; none for a CPU.

    Returns:
        Under `auto` mixed_bfloat16 from compute capability 8.0 on, mixed_float16 from 7.0 on, else
        float32; the weakest GPU decides.
    """
    weakest = min(gpus, key=_capability, default=None)
    if asked != "auto":
        return Precision(asked, "asked for" + _objection(asked, weakest))
    if weakest is None:
        return Precision("float32", "no GPU")
    fitting = (policy for policy, least in MINIMUM.items() if _capability(weakest) >= least)
    return Precision(next(fitting, "float32"), str(weakest))


def gpus() -> list[Gpu]:
    """The GPUs TensorFlow sees, in its order."""
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    memory = _memory() if devices else {}
    names = [detail.get("device_name", "unknown GPU") for detail in details]
    return [
        Gpu(name, detail.get("compute_capability"), memory.get(name))
        for name, detail in zip(names, details, strict=True)
    ]


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers built inside compute in this Keras dtype policy; the one before comes back after."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _capability(gpu: Gpu) -> tuple[int, int]:
    return gpu.capability or (0, 0)


def _objection(asked: str, weakest: Gpu | None) -> str:
    """What speaks against a policy on this GPU; empty where nothing does."""
    if asked not in MINIMUM:
        return ""
    if weakest is None:
        return ", although there is no GPU to gain from it"
    if _capability(weakest) >= MINIMUM[asked]:
        return ""
    least = ".".join(map(str, MINIMUM[asked]))
    return f", although {weakest} has no tensor cores for it, which begin at {least}"


def _memory() -> dict[str, int]:
    """Bytes by GPU name, from NVIDIA's driver if it answers; the smaller of two of one name.

    TensorFlow tells memory only after taking it.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(  # noqa: S603 (fixed words)
            query, capture_output=True, text=True, check=True, timeout=DRIVER_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("nvidia-smi tells nothing: %s", error)
        return {}
    found: dict[str, int] = {}
    for line in answer.stdout.splitlines():
        name, _, mebibytes = line.rpartition(", ")
        if mebibytes.isdigit():  # "[N/A]" where GPU and host share memory
            size = int(mebibytes) * MIB
            found[name] = min(size, found.get(name, size))
    return found
