"""Models evaluated, compared and chosen: on which rows, beside what, in whose favour."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atb import presets
from atb.clock import HOUR_MS, iso, parse_time
from atb.errors import DataError, GateRefusedError, IntegrityError
from atb.evaluation.verdict import judge
from atb.events import silent
from atb.market import histories
from atb.market.sample import simulate
from atb.plans import done, judgements
from atb.registry import store
from atb.workspace import Workspace

START = parse_time("2024-01-01")
CONFIG = presets.create_config_from_preset("fast", "BTCUSDT")
TRAIN = (100, 250)  # rows


@pytest.fixture(scope="module")
def history():
    return simulate("BTCUSDT", "1h", START, START + 500 * HOUR_MS, seed=3)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def made(workspace, history, name, rows, wrong, naive=0.01):
    """A model that misses the return of each of its test rows by so much, up and down in turn."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    actual = np.log(history.price[rows + 1] / history.price[rows])
    columns = {
        "time": pa.array(history.time[rows], pa.timestamp("ms", tz="UTC")),
        "price": history.price[rows],
        "prediction": actual + wrong * (-1.0) ** np.arange(len(rows)),
        "actual": actual,
    }
    period = [iso(int(history.time[row])) for row in TRAIN]
    metadata = {"dataset": {"target_scale": [0.01], "periods": {"train": period}}}
    headline = {"metric": "rmse", "value": wrong, "naive": naive, "rising": False}
    texts = {
        "config.json": CONFIG.model_copy(update={"name": name}).model_dump_json(),
        "metadata.json": json.dumps(metadata),
        "metrics.json": json.dumps({"headline": headline}),
    }
    files = {file: lambda path, text=text: path.write_text(text) for file, text in texts.items()}
    files["predictions.parquet"] = lambda path: pq.write_table(pa.table(columns), path)
    version = store.add(workspace, "BTCUSDT", name, "20240101T000000Z", files)
    done.write(workspace, name, done.of_model(version))
    return version


@pytest.fixture
def models(workspace, history):
    made(workspace, history, "good", np.arange(300, 480), 1e-4)
    made(workspace, history, "bad", np.arange(320, 490), 5e-2)
    return {"the-good": "good", "the-bad": "bad"}


def evaluated(workspace, history, models, sample):
    sha256 = histories.keep(workspace, history)
    told = {"models": models, "sample": sample, "artifacts": workspace.root, "key": "key"}
    data = CONFIG.data
    return judgements.evaluate("BTCUSDT", data, sha256, **told, listen=silent)["result"]


def test_models_are_judged_on_the_newest_share_of_rows_that_all_predicted(
    workspace, history, models
):
    found = evaluated(workspace, history, models, 0.5)
    assert found["rows"] == 80  # half of rows 320 to 480
    assert found["first"] == iso(int(history.time[400]))
    assert found["last"] == iso(int(history.time[479]))
    judged = found["models"]
    assert judged["the-good"]["metrics"]["rmse"] == pytest.approx(1e-4)
    assert judged["the-bad"]["metrics"]["rmse"] == pytest.approx(5e-2)
    moves = np.log(history.price[401:481] / history.price[400:480])
    naive = judged["the-good"]["baselines"]["persistence"]["rmse"]
    assert naive == pytest.approx(np.sqrt(np.mean(moves**2)))
    assert "better than" in judged["the-good"]["verdict"]
    assert "worse than" in judged["the-bad"]["verdict"]
    assert done.read(workspace, "key") == {"result": json.loads(json.dumps(found))}


def test_naive_forecasts_see_train_rows_alone(workspace, history, models, monkeypatch):
    seen = []

    def judged(output, predicted, evidence, *more):
        seen.append(evidence.train)
        return judge(output, predicted, evidence, *more)

    monkeypatch.setattr(judgements, "judge", judged)
    evaluated(workspace, history, models, 0.5)
    assert [rows.tolist() for rows in seen] == [list(range(TRAIN[0], TRAIN[1] + 1))] * 2


def test_too_small_a_share_is_refused(workspace, history, models):
    with pytest.raises(DataError, match=r"0\.1 of 160 shared test rows are 16, 30 are needed"):
        evaluated(workspace, history, models, 0.1)


def test_models_are_compared_with_one_of_them(workspace, models):
    told = {"artifacts": workspace.root, "key": "key", "listen": silent}
    found = judgements.compare(models, "the-bad", **told)["result"]
    assert found["against"] == "the-bad" and list(found["models"]) == ["the-good"]
    pair = found["models"]["the-good"]
    assert (pair["rows"], pair["metrics"][0]["better"]) == (160, "a")


def test_drift_is_looked_for_on_the_newest_share_of_all_rows(
    workspace, history, models, monkeypatch
):
    seen = []

    class Watched:
        def to_json(self):
            return {"verdict": "stable"}

    def watch(path, candles, *, start):
        seen.append((path.parent.name, candles, start))
        return Watched()

    monkeypatch.setattr(judgements.drift, "watch", watch)
    sha256 = histories.keep(workspace, history)
    told = {"models": models, "sample": 0.1, "artifacts": workspace.root, "key": "key"}
    data = CONFIG.data
    found = judgements.look_for_drift("BTCUSDT", data, sha256, **told, listen=silent)["result"]
    start = iso(int(history.time[450]))
    kept = histories.path(workspace, sha256)
    assert seen == [("good", kept, start), ("bad", kept, start)]
    assert (found["start"], list(found["models"])) == (start, ["the-good", "the-bad"])


def test_a_model_that_is_not_what_was_trained_is_refused(workspace, models):
    (workspace.models("BTCUSDT", "bad") / "20240101T000000Z" / "manifest.json").unlink()
    told = {"artifacts": workspace.root, "key": "key", "listen": silent}
    with pytest.raises(IntegrityError, match="the-bad is not what was trained"):
        judgements.compare(models, "the-bad", **told)


def test_the_best_of_all_stands_before_the_gates(workspace, history, models):
    made(workspace, history, "lucky", np.arange(300, 480), 5e-5, naive=1e-6)  # an easy market
    every = {**models, "the-lucky": "lucky"}
    with pytest.raises(GateRefusedError) as refused:
        judgements.promote(every, "default", workspace.root, "key", listen=silent)
    assert refused.value.where == "BTCUSDT/good/20240101T000000Z"
    assert done.read(workspace, "key") is None


def test_of_scores_more_is_better(tmp_path, monkeypatch):
    def share(value, naive, rising):
        headline = {"value": value, "naive": naive, "rising": rising}
        (tmp_path / "metrics.json").write_text(json.dumps({"headline": headline}))
        version = type("Version", (), {"path": tmp_path})
        return judgements._share_of_naive(version)

    assert share(0.5, 1.0, False) == share(1.0, 0.5, True) == 0.5
