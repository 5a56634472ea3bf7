"""The list of models says which one runs, whatever became of a journal."""

from __future__ import annotations

import json

import pytest

from atb.registry import promotion, store
from atb.registry.promotion import Grounds
from atb.workspace import Workspace
from atb_cli.main import main


@pytest.fixture
def workspace(tmp_path):
    """Two models of one symbol, of which the first is promoted, and one of another."""
    workspace = Workspace(tmp_path)
    files = {"config.json": lambda path: path.write_text("{}")}
    first = store.add(workspace, "BTCUSDT", "fast", "20240131T120000Z-a", files)
    store.add(workspace, "BTCUSDT", "fast", "20240131T120000Z-b", files)
    store.add(workspace, "ETHUSDT", "fast", "20240131T120000Z-a", files)
    promotion.promote(workspace, first, promotion.read(workspace, "BTCUSDT"), Grounds("try", {}))
    return workspace


def listed(workspace, capsys):
    assert main(["models", "list", "--json", "--artifacts", str(workspace.root)]) == 0
    out, err = capsys.readouterr()
    return [(m["symbol"], m["version"][-1], m["runs"]) for m in json.loads(out)["models"]], err


def test_the_one_that_runs_is_marked(workspace, capsys):
    expected = [("BTCUSDT", "a", True), ("BTCUSDT", "b", False), ("ETHUSDT", "a", False)]
    assert listed(workspace, capsys) == (expected, "")


def test_a_damaged_journal_is_said_and_marks_none(workspace, capsys):
    (workspace.model_root / "BTCUSDT" / promotion.POINTER).write_text("{}")
    found, err = listed(workspace, capsys)
    assert not any(runs for *_, runs in found)
    assert err.startswith("error: ") and "promoted.json" in err


def test_verify_says_what_would_not_be_opened(workspace, small_network, capsys):
    """Every checksum holds; what the files are is asked all the same."""
    contents = {
        "model.onnx": small_network,
        "model.keras": b"no network",
        "model.skops": b"no line",
    }
    for name, content in contents.items():
        store.add(
            workspace, "XRPUSDT", name[6:], "20240131T120000Z-a",
            {name: lambda path, content=content: path.write_bytes(content)},
        )  # fmt: skip
    assert main(["models", "verify", "--json", "--artifacts", str(workspace.root)]) == 9
    out, err = capsys.readouterr()
    found = {one["path"].split("/")[-2]: one["intact"] for one in json.loads(out)["models"]}
    assert found == {"fast": True, "onnx": True, "keras": False, "skops": False}
    assert err.count("error: ") == 2 and "no plain network" in err and "no plain estimator" in err
