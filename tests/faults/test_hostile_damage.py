"""Damaged files of every format a model's folder holds are refused before anything parses them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from atb.errors import IntegrityError
from atb.registry import (
    integrity,
    journal,
    keras_file,
    manifest,
    onnx_file,
    promotion,
    skops_file,
    store,
)
from atb.registry.promotion import Grounds
from atb.registry.version import Version
from atb.workspace import Workspace

FLIPS, CUTS = 300, 100
FORMATS = (
    *("config.json", "history.csv", "model.keras", "model.onnx", "model.skops"),
    *("predictions.parquet", "report.html", manifest.NAME),
)
READERS: Mapping[str, Callable[[Path], object]] = {
    "model.keras": keras_file.require_plain,
    "model.onnx": onnx_file.read,
    "model.skops": skops_file.require_plain,
}
POINTERS = (promotion.POINTER, journal.NAME)


def parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"time": [1, 2, 3], "return": [0.1, -0.2, 0.3]}), path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, beside: Callable[[str], Any]) -> Iterator[Any]:
    """A promoted model with a small file of every format: the workspace and its version."""
    archives = beside("hostile_archives")
    contents = {
        "config.json": b'{"symbol": "BTCUSDT"}\n' * 20,
        "history.csv": b"epoch,loss\n" + b"1,0.5\n" * 50,
        "model.keras": archives.keras(),
        "model.onnx": beside("hostile_onnx").harmless().SerializeToString(),
        "model.skops": archives.plain_line(),
        "report.html": b"<!doctype html>" + b"<p>fast</p>" * 20,
    }
    writers: dict[str, Callable[[Path], Any]] = {
        name: lambda path, c=content: path.write_bytes(c) for name, content in contents.items()
    }
    workspace = Workspace(tmp_path_factory.mktemp("damage"))
    writers["predictions.parquet"] = parquet
    for stamp in ("20240131T120000Z", "20240201T120000Z"):
        version = store.add(workspace, "BTCUSDT", "fast", stamp, writers)
        seen = promotion.read(workspace, "BTCUSDT")
        promotion.promote(workspace, version, seen, Grounds("", {}))
    return workspace, version


def damaged(content: bytes) -> Iterator[bytes]:
    """Flipped bits, then truncations; each a file of its own."""
    draw = random.Random(1)
    for bit in draw.sample(range(8 * len(content)), FLIPS):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    for length in draw.sample(range(len(content)), CUTS):
        yield content[:length]


def refused(path: Path, use: Callable[[], object]) -> int:
    """How many damaged contents of a file are refused; every one must be."""
    content, count = path.read_bytes(), 0
    for damage in damaged(content):
        path.write_bytes(damage)
        with pytest.raises(IntegrityError):
            use()
        count += 1
    path.write_bytes(content)
    use()
    return count


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_refused(whole: tuple[Workspace, Version], name: str) -> None:
    _, version = whole
    path = version.path / name
    assert refused(path, lambda: integrity.verify(version.path)) == FLIPS + CUTS


@pytest.mark.parametrize("name", POINTERS)
def test_a_damaged_pointer_or_journal_is_refused(
    whole: tuple[Workspace, Version], name: str
) -> None:
    workspace, _ = whole
    path = workspace.model_root / "BTCUSDT" / name
    count = refused(path, lambda: promotion.promoted(workspace, "BTCUSDT"))
    assert count == FLIPS + CUTS


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_damaged_bytes_refuses_or_is_content(
    whole: tuple[Workspace, Version], tmp_path: Path, name: str
) -> None:
    """Without checksums, too, a reader ends in its own error or in none."""
    path = tmp_path / name
    for damage in damaged((whole[1].path / name).read_bytes()):
        path.write_bytes(damage)
        with contextlib.suppress(IntegrityError):
            READERS[name](path)
