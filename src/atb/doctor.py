"""What a machine and its installation have, and whether that suffices to train.

Imports what is optional to see whether it can be, so it takes TensorFlow's seconds. Knows how to
look, not how to show what it found.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from atb import __version__, backend, machine
from atb.errors import ResourceError
from atb.extras import LIBRARIES, require
from atb.machine import Machine

# What people ask for when something goes wrong, by the names they are installed under.
PACKAGES = ("tensorflow", "keras", "onnxruntime", "numpy")
# The same library, built for other machines.
BUILDS = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos")}


@dataclass(frozen=True)
class GpuFacts:
    """A GPU and the precision that `--precision auto` gives it.

    Attributes:
        name: as the maker calls it.
        capability: NVIDIA compute capability, such as "8.0"; None where there is none.
        memory: bytes; None where nobody tells.
        precision: Keras dtype policy.
    """

    name: str
    capability: str | None
    memory: int | None
    precision: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything worth knowing about a machine and its installation.

    Attributes:
        atb: version of this package.
        python: version of the interpreter.
        platform: operating system and processor.
        versions: of installed packages; None for what is absent.
        machine: cores and memory.
        gpus: those TensorFlow sees; none without TensorFlow.
        precision: the dtype policy trainings get by default, None without TensorFlow.
        precision_reason: why that one.
        extras: what ails each library of each extra; None for what imports.
    """

    atb: str
    python: str
    platform: str
    versions: Mapping[str, str | None]
    machine: Machine
    gpus: tuple[GpuFacts, ...]
    precision: str | None
    precision_reason: str
    extras: Mapping[str, Mapping[str, str | None]]

    @property
    def can_train(self) -> bool:
        """Whether every library that training needs imports."""
        return not any(self.extras["train"].values())

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return {**asdict(self), "can_train": self.can_train}


def examine() -> Diagnosis:
    """Look at this machine and this installation; what is missing is an answer, not an error."""
    extras = {extra: _ailments(extra, modules) for extra, modules in LIBRARIES.items()}
    gpus, precision, reason = _gpus(extras["train"]["tensorflow"], extras["train"]["keras"])
    return Diagnosis(
        atb=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={package: _version(package) for package in PACKAGES},
        machine=machine.examine(),
        gpus=gpus,
        precision=precision,
        precision_reason=reason,
        extras=extras,
    )


def _ailments(extra: str, modules: Iterable[str]) -> dict[str, str | None]:
    """Why each library cannot be imported; None for those that can."""
    with suppress(ResourceError):  # the library at fault is found below
        backend.prepare(seed=0)  # first, since it imports TensorFlow quietly
    return {module: _ailment(module, extra) for module in modules}


def _ailment(module: str, extra: str) -> str | None:
    try:
        require(module, extra=extra)
    except ResourceError as error:
        return str(error)
    return None


def _gpus(*ailments: str | None) -> tuple[tuple[GpuFacts, ...], str | None, str]:
    """The GPUs, the default precision and its reason."""
    if any(ailments):
        return (), None, "unknown without TensorFlow"
    from atb.training import precision

    found = precision.gpus()
    facts = tuple(
        GpuFacts(
            gpu.name,
            ".".join(map(str, gpu.capability)) if gpu.capability else None,
            gpu.memory,
            precision.choose("auto", [gpu]).policy,
        )
        for gpu in found
    )
    # A training takes one GPU unless it is asked for more.
    chosen = precision.choose("auto", found[:1])
    return facts, chosen.policy, chosen.reason


def _version(package: str) -> str | None:
    for name in BUILDS.get(package, (package,)):
        if any(metadata.distributions(name=name)):
            return metadata.version(name)
    return None
