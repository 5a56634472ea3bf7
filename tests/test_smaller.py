"""A registered model's graph made smaller: a hand-made network on simulated candles."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import review, smaller
from atb.clock import iso
from atb.errors import DataError, GateRefusedError, IntegrityError, UsageError
from atb.export.closeness import Closeness
from atb.market import files, sample
from atb.market.candles import COLUMNS, Candles
from atb.presets import create_config_from_preset
from atb.registry import store
from atb.registry.integrity import verify
from atb.registry.version import Version
from atb.runtime.scoring import score
from atb.runtime.session import Session
from atb.workspace import Workspace

START, HOUR = 1_704_067_200_000, 3_600_000
VERSION = "20240131T120000Z-7f3a91bc"
CANDLES = sample.simulate("BTCUSDT", "1h", START, START + 600 * HOUR, seed=1)


@pytest.fixture(scope="module")
def made(small_network: bytes, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A root with one model, and the file of its candles."""
    root = tmp_path_factory.mktemp("smaller")
    path = root / "candles.parquet"
    files.write(CANDLES, path)
    config = create_config_from_preset("fast", "BTCUSDT", source="file", candles=str(path))
    periods = {"validation": [iso(int(CANDLES.time[row])) for row in (200, 499)]}
    metadata = {
        "version": VERSION,
        "synthetic": True,
        "data_sha256": CANDLES.sha256(),
        "learned_until": iso(int(CANDLES.time[500])),
        "dataset": {"periods": periods, "target_scale": [0.005, 1.0]},
    }
    written = {
        "model.onnx": small_network,
        "config.json": config.model_dump_json().encode(),
        "metadata.json": json.dumps(metadata).encode(),
        "metrics.json": b'{"headline": {"metric": "rmse"}}',
        "history.csv": b"epoch,loss\n",
    }
    writers = {
        name: lambda file, content=content: file.write_bytes(content) and None
        for name, content in written.items()
    }
    store.add(Workspace(root), "BTCUSDT", "fast", VERSION, writers)
    return root, path


@pytest.fixture
def workspace(made: tuple[Path, Path], tmp_path: Path) -> Workspace:
    shutil.copytree(made[0], tmp_path / "root")
    return Workspace(tmp_path / "root")


@pytest.fixture
def model(workspace: Workspace) -> Version:
    return store.find(workspace, "BTCUSDT/fast")


def contents(version: Version, name: str) -> Any:
    return json.loads((version.path / name).read_text())


def test_what_was_measured_is_over_the_validation_windows(
    workspace: Workspace, model: Version
) -> None:
    small = smaller.made(workspace, model, "static")
    assert small.rows == 300
    assert small.metric == "rmse"
    assert small.sizes == (len(model.onnx.read_bytes()), len(small.graph))
    said = score(model.path, CANDLES)
    rows = (said.rows >= 200) & (said.rows < 500)
    actual = np.log(CANDLES.close[1:] / CANDLES.close[:-1])[said.rows[rows]]
    expected = np.sqrt(((said.value[rows] - actual) ** 2).mean())
    assert small.values[0] == pytest.approx(expected, rel=1e-6)
    assert 0 < small.change < 0.01
    found, spread = small.difference, said.value[rows].std()
    assert found.rms * 0.005 == pytest.approx(found.share * spread, rel=1e-6)


def test_the_first_window_may_begin_with_the_first_row(
    workspace: Workspace, model: Version, tmp_path: Path
) -> None:
    files.write(CANDLES.rows(200, 600), tmp_path / "from_200.parquet")
    found = smaller.made(workspace, model, "float16", tmp_path / "from_200.parquet")
    assert found.rows == 300 - 5


def test_a_damaged_folder_is_refused_before_it_is_read(
    workspace: Workspace, model: Version
) -> None:
    (model.path / "metadata.json").write_text("{")
    with pytest.raises(IntegrityError, match=r"metadata\.json"):
        smaller.made(workspace, model, "float16")


def test_what_could_not_be_served_is_not_even_measured(
    workspace: Workspace, model: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smaller.quantise, "smaller", lambda *_: b"no graph")
    with pytest.raises(IntegrityError, match="no plain graph"):
        smaller.made(workspace, model, "float16")


@pytest.mark.parametrize("way", ["dynamic", "static", "float16"])
def test_a_new_version_holds_the_same_files_and_serves_the_small_graph(
    workspace: Workspace, model: Version, way: str
) -> None:
    small = smaller.made(workspace, model, way)
    kept = smaller.register(workspace, small)
    word = "float16" if way == "float16" else "int8"
    assert kept.version == f"{VERSION}-{word}"
    names = verify(kept.path).keys()
    assert names == verify(model.path).keys() | {f"model.{word}.onnx"}
    for name in ("model.onnx", "config.json", "history.csv"):
        assert (kept.path / name).read_bytes() == (model.path / name).read_bytes()
    assert contents(kept, "metrics.json") == {
        **contents(model, "metrics.json"),
        "graph": "model.onnx",
    }
    metadata = contents(kept, "metadata.json")
    assert (metadata["serves"], metadata["precision"]) == (f"model.{word}.onnx", word)
    assert metadata["version"] == VERSION
    assert metadata["smaller"] == small.to_json()
    assert Session.open(kept.path).says["precision"] == word
    answered, exact = score(kept.path, CANDLES), score(model.path, CANDLES)
    assert 0 < np.median(np.abs(answered.value - exact.value)) < 0.1 * exact.value.std()


def test_the_gates_find_the_folder_and_what_was_measured(
    workspace: Workspace, model: Version
) -> None:
    kept = smaller.register(workspace, smaller.made(workspace, model, "static"))
    for version, suffix in ((kept, ""), (model, "-int8")):
        metadata = contents(kept, "metadata.json")
        words = {
            finding.gate: finding.words for finding in review.examine(workspace, version).findings
        }
        assert "its folder is" not in words["schema"], (suffix, metadata)
        assert "serves" not in words["parity"]


def test_a_small_model_is_not_made_smaller(workspace: Workspace, model: Version) -> None:
    kept = smaller.register(workspace, smaller.made(workspace, model, "float16"))
    with pytest.raises(UsageError, match=f"serves model.float16.onnx already.*fast/{VERSION}$"):
        smaller.made(workspace, kept, "static")


def test_one_that_changes_too_much_is_refused_with_its_figures(
    workspace: Workspace, model: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smaller, "MAX_SHARE", 1e-4)
    with pytest.raises(GateRefusedError, match=r"answers 0\.0.*at most 0\.0001") as refused:
        smaller.made(workspace, model, "static")
    verdicts = {finding["gate"]: finding["passed"] for finding in refused.value.findings}
    assert verdicts == {"size": True, "metric": True, "answers": False, "features": True}
    assert store.versions(workspace) == [model]


def test_what_is_held_against_which_limit(model: Version) -> None:
    same = Closeness("deviations", 0.0, 0.0, 0.0, 0.0, 0.0)

    def passed(
        exact: float, small: float, difference: Closeness = same, size: int = 1
    ) -> list[bool]:
        sizes, values = (2, size), (exact, small)
        found = smaller.Smaller(
            model, b"", "model.int8.onnx", "static", sizes, 300, "rmse", values, difference, ""
        )
        return [finding.passed for finding in found.findings]

    assert passed(1.0, 1.009) == passed(1.0, 0.991) == [True, True, True, True]
    assert passed(1.0, 1.011) == passed(1.0, 0.989) == [True, False, True, True]
    assert passed(0.0, 0.1) == passed(1.0, float("nan")) == [True, False, True, True]
    assert passed(1.0, 1.0, replace(same, share=0.11)) == [True, True, False, True]
    assert passed(1.0, 1.0, replace(same, share=float("nan"))) == [True, True, False, True]
    assert passed(1.0, 1.0, replace(same, features=1e-3)) == [True, True, True, False]
    assert passed(1.0, 1.0, size=3) == [False, True, True, True]


def test_other_rows_are_refused_or_said(
    workspace: Workspace, model: Version, tmp_path: Path
) -> None:
    files.write(CANDLES.rows(0, 250), tmp_path / "short.parquet")
    with pytest.raises(DataError, match="49 of the model's validation windows"):
        smaller.made(workspace, model, "static", tmp_path / "short.parquet")
    files.write(CANDLES.rows(0, 550), tmp_path / "other.parquet")
    heard: list[Any] = []
    found = smaller.made(workspace, model, "static", tmp_path / "other.parquet", heard.append)
    assert found.rows == 300
    assert any("does not hold just the rows" in event.message for event in heard)
    assert found.to_json()["data_sha256"] == CANDLES.rows(0, 550).sha256() != CANDLES.sha256()


def test_simulated_rows_say_nothing_of_a_real_model(workspace: Workspace, model: Version) -> None:
    path = model.path / "metadata.json"
    path.write_text(json.dumps(contents(model, "metadata.json") | {"synthetic": False}))
    (model.path / "manifest.json").unlink()
    from atb.registry import manifest

    manifest.write(model.path)
    with pytest.raises(DataError, match="simulated"):
        smaller.made(workspace, model, "static")


def test_no_window_crosses_a_gap(workspace: Workspace, model: Version, tmp_path: Path) -> None:
    kept = np.arange(len(CANDLES)) != 300
    columns = {name: getattr(CANDLES, name)[kept] for name in ("time", *COLUMNS)}
    files.write(Candles.from_columns("BTCUSDT", "1h", columns), tmp_path / "gap.parquet")
    found = smaller.made(workspace, model, "float16", tmp_path / "gap.parquet")
    # The row itself, the one before it, whose outcome is unknown, and five windows across it.
    assert found.rows == 300 - 1 - 1 - 5
