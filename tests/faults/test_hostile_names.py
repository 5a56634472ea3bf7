"""Names that would lead out of the artifacts are refused, whoever asks; nothing is touched."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atb import presets
from atb.errors import StorageError, UsageError
from atb.registry import promotion, store
from atb.workspace import Workspace

STAMP = "20240131T120000Z"
FIXED = (
    *("..", "../..", "../../etc/passwd", "/etc", "/", ".", "./.", "~", "~root", "...", "", " "),
    *("..\\", "..\\..\\windows", "C:\\", "C:", "\\\\host\\share", "//host/share", "a/b", "a\\b"),
    *("\0", "BTC\0USDT", "BTC\nUSDT", "BTCUSDT\n", "\r", "\t", "\x1b[2J", "\x7f", "\u202eTDSU"),
    *(
        "-rf",
        "--help",
        "-",
        "$(id)",
        "`id`",
        ";id",
        "|id",
        "&id",
        "$HOME",
        "%TEMP%",
        "*",
        "?",
        "[a]",
    ),
    *("CON", "NUL", "AUX", "PRN", "COM1", "LPT9", "BTC/USDT:USDT", "BTC/USDT", "btc usdt"),
    *(
        "X" * 300,
        "x" * 5000,
        "../" * 100,
        ".BTC",
        "BTC.",
        ".tmp",
        "\ud800",
        "\uff0e\uff0e",
        "\uff22\uff34\uff23",
    ),
    *("promoted.json", "latest.json", ".lock", "BTC/", "file:///etc/passwd"),
)
PIECES = (
    *("..", "/", "\\", ".", "\0", "\n", " ", "~", "-", "_", "*", ":", "$", "%2e", "\u202e", "é"),
    *("BTC", "usdt", "fast", "etc", "passwd", "CON", "promoted", STAMP, "1", "x" * 60, "\uff0f"),
)  # fmt: skip


WRITING = 3  # as many of what is asked would write


def generated(count: int) -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choices(PIECES, k=draw.randint(1, 6))) for _ in range(count)]


def tree(root: Path) -> dict[str, Any]:
    return {str(path): path.lstat().st_mtime_ns for path in [root, *root.rglob("*")]}


def asked(workspace: Workspace, word: str) -> list[Callable[[], Any]]:
    """Everything that makes a path of a word somebody gave."""
    write = {"config.json": lambda path: path.write_text("x") and None}
    return [
        lambda: store.add(workspace, word, "fast", STAMP, write),
        lambda: store.add(workspace, "BTCUSDT", word, STAMP, write),
        lambda: store.add(workspace, "BTCUSDT", "fast", word, write),
        lambda: store.versions(workspace, word),
        lambda: store.find(workspace, word),
        lambda: store.find(workspace, f"{word}/promoted"),
        lambda: promotion.read(workspace, word),
        lambda: promotion.rollback(workspace, word, ""),
        lambda: workspace.live(word),
        lambda: workspace.books(word),
        lambda: workspace.candles(word, "1h"),
        lambda: workspace.candles("BTCUSDT", word),
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Artifacts in the middle of a folder with other things, and commands given from there."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "passwd").write_text("secret")
    monkeypatch.chdir(tmp_path / "outside")
    return Workspace(tmp_path / "outside" / "artifacts")


def test_fixed_names_are_refused_by_everything(place: Workspace, tmp_path: Path) -> None:
    assert len(set(FIXED)) >= 60
    before = tree(tmp_path)
    for word in FIXED:
        for ask in (*asked(place, word), lambda w=word: presets.read(w)):
            with pytest.raises(UsageError) as caught:
                ask()
            str(caught.value).encode()  # it can be printed
    assert tree(tmp_path) == before


def test_generated_names_are_refused_or_stay_inside(place: Workspace, tmp_path: Path) -> None:
    before, kept = tree(tmp_path), 0
    for word in generated(10_000):
        for ask in asked(place, word)[WRITING:]:
            try:
                answer = ask()
            except UsageError:
                continue
            kept += 1
            for path in [answer] if isinstance(answer, Path) else []:
                assert os.path.normpath(path) == str(path)
                assert path.is_relative_to(place.root)
    assert kept > 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize("linked", ["BTCUSDT", "BTCUSDT/fast"])
def test_a_link_that_leads_out_of_the_models_is_not_written_through(
    place: Workspace, tmp_path: Path, linked: str
) -> None:
    link = place.model_root / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "outside")
    before = tree(tmp_path)
    write = {"config.json": lambda path: path.write_text("x") and None}
    with pytest.raises(StorageError, match=r"leads to .*outside"):
        store.add(place, "BTCUSDT", "fast", STAMP, write)
    assert tree(tmp_path) == before
