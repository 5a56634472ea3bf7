"""A manifest is read only if it is written in the one way there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atb.errors import IntegrityError
from atb.registry import manifest
from atb.registry.manifest import Entry

ENTRY = {"size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}


def dump(files: object, **more: object) -> str:
    return json.dumps({"format": 1, "files": files, **more}, indent=2) + "\n"


def test_by_hand(tmp_path: Path):
    (tmp_path / "a.txt").write_text("x")
    manifest.write(tmp_path)
    assert (tmp_path / manifest.NAME).read_text() == dump({"a.txt": ENTRY})
    assert manifest.read(tmp_path) == {"a.txt": Entry(**ENTRY)}


@pytest.mark.parametrize(
    "name",
    [
        *("../a", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "a\\b", "a\0", "a\n", "-rf"),
        *("A.txt", "a..b", "a.", "é", "manifest.json", "$(id)", "con:", "a b"),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name):
    (tmp_path / manifest.NAME).write_text(dump({name: ENTRY}))
    with pytest.raises(IntegrityError, match="is no name of a model's file"):
        manifest.read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "3",
        '"x"',
        "{",
        "[" * 100_000,
        dump({"a": ENTRY}).replace("1,", "NaN,"),
        dump({"a": ENTRY}).replace('"format": 1', '"format": 2'),
        dump({"a": ENTRY}).replace('"format": 1', '"format": 1.0'),
        dump({"a": ENTRY}).replace('"format": 1', '"format": true'),
        dump({"a": ENTRY}).replace("2d71", "2D71"),
        dump({"a": ENTRY}).rstrip(),
        dump({"a": ENTRY}).replace("  ", "   "),
        dump({"a": ENTRY}, extra=1),
        dump({"a": {**ENTRY, "extra": 1}}),
        dump({"a": {"size": 1}}),
        dump({"a": {**ENTRY, "size": -1}}),
        dump({"a": {**ENTRY, "size": True}}),
        dump({"a": {**ENTRY, "size": "1"}}),
        dump({"a": {**ENTRY, "sha256": None}}),
        dump({"a": [1, 2]}),
        dump({"b": ENTRY, "a": ENTRY}),
        dump(["a"]),
        '{"format": 1, "format": 1, "files": {}}',
    ],
)
def test_another_form_is_refused(tmp_path: Path, text):
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(IntegrityError, match="manifest is damaged"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe{}", dump({"a": ENTRY}).encode("utf-16")])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content):
    (tmp_path / manifest.NAME).write_bytes(content)
    with pytest.raises(IntegrityError, match="manifest is damaged"):
        manifest.read(tmp_path)


def test_a_manifest_too_large_is_not_parsed(tmp_path: Path):
    (tmp_path / manifest.NAME).write_text(" " * (manifest.MAX_BYTES + 1))
    with pytest.raises(IntegrityError, match="it has 1000001 bytes, more than 1000000"):
        manifest.read(tmp_path)


def test_a_name_that_could_not_be_read_is_not_written(tmp_path: Path):
    (tmp_path / "Notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"'Notes.txt' is no name"):
        manifest.write(tmp_path)
