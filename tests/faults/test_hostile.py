"""Malicious model files are refused from their bytes: quickly, in little memory, doing nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atb.errors import IntegrityError
from atb.registry import manifest

HOSTILE = Path(__file__).with_name("hostile.py")
SECONDS, MEGABYTES = 5.0, 512


@pytest.fixture(scope="module")
def refusals(
    tmp_path_factory: pytest.TempPathFactory, beside: Callable[[str], Any]
) -> dict[str, dict[str, Any]]:
    """What a process of its own said of each file, beside what it should have said."""
    hostile_archives, hostile_onnx = beside("hostile_archives"), beside("hostile_onnx")
    root = tmp_path_factory.mktemp("hostile")
    folder, marker = root / "files", str(root / "marker")
    folder.mkdir()
    makers = {
        "onnx": hostile_onnx.corpus,
        "keras": hostile_archives.keras_corpus,
        "skops": hostile_archives.skops_corpus,
    }
    expected = {}
    for suffix, corpus in makers.items():
        for name, (content, words) in corpus(marker).items():
            (folder / f"{name}.{suffix}").write_bytes(content)
            expected[f"{name}.{suffix}"] = words
    (folder / "harmless-trees.onnx").write_bytes(hostile_onnx.trees())
    (folder / "harmless.onnx").write_bytes(hostile_onnx.harmless().SerializeToString())
    (folder / "harmless.keras").write_bytes(hostile_archives.keras())
    (folder / "harmless.skops").write_bytes(hostile_archives.plain_line())
    before = sorted(path.name for path in root.rglob("*"))
    command = [sys.executable, HOSTILE, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in root.rglob("*")) == before
    said = {one["file"]: one for one in map(json.loads, done.stdout.splitlines())}
    return {name: {**one, "expected": expected.get(name)} for name, one in said.items()}


def test_each_malicious_file_is_refused_for_what_it_is(refusals: dict[str, Any]) -> None:
    malicious = [one for one in refusals.values() if one["expected"] is not None]
    assert len(malicious) >= 70
    assert [one for one in malicious if one["code"] != 9] == []
    assert [one for one in malicious if one["expected"] not in one["error"]] == []
    assert [one for one in malicious if len(one["error"]) > 1000] == []


def test_what_is_harmless_is_not_refused(refusals: dict[str, Any]) -> None:
    harmless = [one["error"] for name, one in refusals.items() if name.startswith("harmless")]
    assert harmless == [""] * 4


def test_refusing_is_quick_and_small_and_does_nothing(refusals: dict[str, Any]) -> None:
    assert max(one["seconds"] for one in refusals.values()) < SECONDS
    assert max(one["memory"] for one in refusals.values()) < MEGABYTES
    assert [one for one in refusals.values() if one["done"] or one["heavy"]] == []


def test_whoever_serves_a_model_asks_first(tmp_path: Path, beside: Callable[[str], Any]) -> None:
    """A malicious graph whose manifest is in order is refused where graphs are opened."""
    from atb.runtime.session import Session

    for name, (content, words) in beside("hostile_onnx").corpus("marker").items():
        if len(content) > 100_000:
            continue
        model = tmp_path / name
        model.mkdir()
        (model / "model.onnx").write_bytes(content)
        manifest.write(model)
        with pytest.raises(IntegrityError, match="no plain graph") as caught:
            Session.open(model)
        assert words in str(caught.value)
