"""What a training ran on: libraries, interpreter, machine and code, as far as results depend on it.

It names no user, no host and no environment variable.
"""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from atb import __version__, machine
from atb.code import code_sha256

LIBRARIES = (
    *("tensorflow", "keras", "numpy", "scikit-learn"),
    *("onnx", "tf2onnx", "skl2onnx", "onnxruntime"),
)


def libraries() -> dict[str, str]:
    """Versions of the libraries that make a model's numbers.

    Raises:
        importlib.metadata.PackageNotFoundError: where one is not installed.
    """
    return {name: version(name) for name in LIBRARIES}


def record() -> dict[str, Any]:
    """Everything, ready for JSON; memory in bytes."""
    return {
        "atb": __version__,
        "code_sha256": code_sha256(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": asdict(machine.examine()),
        "libraries": libraries(),
    }
