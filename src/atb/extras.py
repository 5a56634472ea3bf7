"""Optional libraries, imported in one place so that a missing one is one clear sentence."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from atb.errors import ResourceError, UsageError

LIBRARIES = {
    "train": (
        "tensorflow",
        "keras",
        "psutil",
        "sklearn",
        "skl2onnx",
        "skops",
        "onnx",
        "tf2onnx",
        "jinja2",
        "matplotlib",
    ),
    "tune": ("optuna",),
    "dask": ("distributed", "fsspec"),
    "ray": ("ray", "fsspec"),
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow",),
    "audit": ("pandas",),
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


def file_system(url: str, *, extra: str) -> tuple[Any, str]:
    """The file system of a URL as fsspec opens it, without a memory of what lies there; the path.

    Raises:
        ResourceError: when fsspec, or the library for such a URL, is not installed.
        ValueError: when nothing opens such a URL.
    """
    core = require("fsspec", extra=extra).core
    try:
        system, path = core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise ResourceError(f"no library here opens it ({error})", where=url) from error
    return system, path


def import_named(reference: str) -> ModuleType:
    """Import somebody's own module: a file `NAME.py`, or a dotted name that can be found.

    Raises:
        UsageError: when there is no such file or module, or it imports one that is not there.
    """
    path = Path(reference)
    if path.suffix != ".py":
        try:
            return importlib.import_module(reference)
        except ImportError as error:
            raise UsageError(
                f"{reference} cannot be imported ({error})",
                remedy="name a file as FILE.py, or a module that can be imported from this folder",
            ) from error
    name = f"own_{path.stem}"  # not that of a library
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no file {reference!r}", remedy="check the path")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as dataclasses ask for
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise UsageError(f"{reference} cannot be imported ({error})") from error
    return module
