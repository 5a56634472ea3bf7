"""The speed of networks can be measured where TensorFlow is not installed."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def imported(path):
    """Modules a file imports, and what it imports from them, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached(start):
    """Every module the file leads to within the package, and every other it names."""
    networks = (ROOT / "src/atb/models").glob("*.py")  # imported by name; the page is not one
    names, waiting = set(), [start, *(path for path in networks if path.stem != "document")]
    while waiting:
        for name in imported(waiting.pop()):
            place = ROOT / "src" / name.replace(".", "/")
            files = [
                path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()
            ]
            waiting += files if name not in names else []
            names.add(name)
    return names


def test_the_gpu_benchmark_needs_no_tensorflow():
    names = reached(ROOT / "benchmarks/gpu.py")
    assert {"atb.models.build", "atb.models.heads", "atb.training.loss", "keras"} <= names
    assert not [
        name for name in names if name.split(".")[0] in {"tensorflow", "tf2onnx", "sklearn"}
    ]


def test_tensorflow_would_be_found(tmp_path):
    start = tmp_path / "benchmark.py"
    start.write_text("from atb.training.augment import augment\n")
    assert "tensorflow" in reached(start)
