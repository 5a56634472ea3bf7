"""The lines that docs/serving.md gives for serving a file without atb do that, in two languages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

BARS = 9  # more than a window


@pytest.fixture
def folder(tmp_path, small_network):
    """A model's file and candles, as the page has them; nothing else."""
    rows = np.random.default_rng(2).normal(100, 1, (BARS, 5))
    lines = [f"{3_600_000 * bar},{','.join(map(str, row))}" for bar, row in enumerate(rows)]
    header = "time,open,high,low,close,volume"
    (tmp_path / "candles.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "model.onnx").write_bytes(small_network)
    return tmp_path


@pytest.fixture
def expected(folder):
    """What the graph says of the last six rows."""
    rows = np.loadtxt(folder / "candles.csv", np.float32, delimiter=",", skiprows=1)[-6:, 1:]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return float(session.run(["return"], {"candles": rows[np.newaxis]})[0][0, 0])


def said(command, folder, **environment):
    """Name and number that a command prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, number = done.stdout.split()
    return name, float(number)


def test_python_needs_onnxruntime_and_numpy_alone(folder, expected, serving_example):
    others = "{'atb', 'keras', 'onnx', 'pandas', 'pyarrow', 'pydantic', 'sklearn', 'tensorflow'}"
    check = f"import sys\nfound = {others} & set(sys.modules)\nassert not found, found\n"
    (folder / "serve.py").write_text(serving_example("python") + check)
    name, number = said([sys.executable, "-I", "serve.py"], folder)
    assert name == "return"
    assert number == pytest.approx(expected, rel=1e-5)


def test_javascript_says_the_same(folder, expected, serving_example):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    where = {"NODE_PATH": os.environ.get("NODE_PATH", "")}
    found = subprocess.run(
        [node, "-e", "require.resolve('onnxruntime-web')"],
        cwd=folder,
        env=os.environ | where,
        capture_output=True,
        check=False,
    )
    if found.returncode:
        pytest.skip("node finds no onnxruntime-web; name its folder in NODE_PATH")
    (folder / "serve.js").write_text(serving_example("javascript"))
    name, number = said([node, "serve.js"], folder, **where)
    assert name == "return"
    assert number == pytest.approx(expected, rel=1e-4)
