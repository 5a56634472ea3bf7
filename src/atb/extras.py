"""Optional libraries, imported in one place so that a missing one is one clear sentence."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from atb.errors import ResourceError

LIBRARIES = {
    "train": (
        "tensorflow",
        "keras",
        "sklearn",
        "skops",
        "onnx",
        "tf2onnx",
        "jinja2",
        "matplotlib",
    ),
    "tune": ("optuna",),
}


def require_installed(extra: str) -> None:
    """Refuse to begin when a library of an extra is absent, without importing any.

    Raises:
        ResourceError: naming what is absent and the extra to install.
    """
    absent = [name for name in LIBRARIES[extra] if importlib.util.find_spec(name) is None]
    if absent:
        raise ResourceError(
            f"not installed: {', '.join(absent)}",
            remedy=f"install the extra with: pip install 'atb[{extra}]'",
        )


def require(module: str, *, extra: str) -> Any:
    """Import a library that belongs to an extra of this package.

    Raises:
        ResourceError: naming the extra to install when the library is absent.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ResourceError(
            f"{module} is not installed ({error})",
            remedy=f"install it with: pip install 'atb[{extra}]'",
        ) from error
