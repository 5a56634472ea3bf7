"""Whether every model file of a folder is plain, asked before a library opens any of them.

Knows which reader is for which file; what the files say is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from atb.registry import keras_file, onnx_file, skops_file

READERS: Mapping[str, Callable[[Path], object]] = {
    ".keras": keras_file.require_plain,
    ".onnx": onnx_file.read,
    ".skops": skops_file.require_plain,
}


def require(folder: Path) -> None:
    """Nothing, if all graphs, networks and lines of a model's folder are plain.

    Args:
        folder: verified.

    Raises:
        IntegrityError: for the first that is not, with what it is.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in READERS:
            READERS[path.suffix](path)
