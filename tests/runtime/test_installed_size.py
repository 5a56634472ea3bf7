"""What `pip install .` brings is small enough to serve from."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

import atb

LIMIT_MB = 450


def required(name: str, found: set[str]) -> set[str]:
    """Names of all that a distribution needs without extras, itself included."""
    if name not in found:
        found.add(name)
        for text in distribution(name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                required(needed.name.lower(), found)
    return found


def megabytes(name: str) -> float:
    """Size of a distribution's installed files."""
    paths = [Path(str(file.locate())) for file in distribution(name).files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def test_the_runtime_is_small():
    names = required("atb", set())
    sizes = {name: megabytes(name) for name in names - {"atb"}}
    own = [path.stat().st_size for path in Path(atb.__file__).parent.rglob("*.py")]
    sizes["atb"] = sum(own) / 1e6
    assert {"onnxruntime", "numpy"} <= sizes.keys() and min(sizes.values()) > 0
    assert not {"tensorflow", "keras", "scikit-learn", "pandas", "onnx"} & names
    assert sum(sizes.values()) < LIMIT_MB, sizes
