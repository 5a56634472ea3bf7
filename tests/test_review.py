"""A model stands before the gates as it lies on the disk, and the shell says what they answer."""

from __future__ import annotations

import json
import time

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from onnx import TensorProto, helper

from atb import presets, review, rivals
from atb.clock import iso, now_ms
from atb.errors import DataError, GateRefusedError, IntegrityError, UsageError
from atb.market.sample import simulate
from atb.registry import gate_file, manifest, promotion, store
from atb.report import record
from atb.workspace import Workspace
from atb_cli.main import main

HOUR = 3_600_000
ROWS = 1000
STAMPS = [f"2024010{n}T120000Z-7f3a91bc" for n in range(1, 10)]


def graph(config, says, path):
    """A serving graph that answers the mean of its window."""
    (out,) = [config.target.output]
    window = helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["n", config.reach, 5])
    answer = helper.make_tensor_value_info(out, TensorProto.FLOAT, ["n", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
    nodes = [
        helper.make_node("ReduceMean", ["candles", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], [out]),
    ]
    last = helper.make_tensor("last", TensorProto.INT64, [1], [1])
    made = helper.make_model(
        helper.make_graph(nodes, "mean", [window], [answer], [axes, last]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    helper.set_model_props(made, says)
    onnx.save(made, path)


@pytest.fixture(scope="module")
def history():
    """Candles that end now."""
    end = now_ms() // HOUR * HOUR
    return simulate("BTCUSDT", "1h", end - 2 * ROWS * HOUR, end, seed=3)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "artifacts")


@pytest.fixture
def made(workspace, history):
    """`made(number, error=, ...)`: a good model whose predictions miss by so much."""
    draw = np.random.default_rng(5)
    actual = draw.normal(0, 0.01, ROWS)
    noises = draw.normal(0, 1, (2, ROWS))

    def made(
        number, error=0.005, name="fast", behind=0, noise=0, change=lambda files: None, **options
    ):
        stamp = STAMPS[number]
        config = presets.resolve("fast", "BTCUSDT", **options).config
        config = config.model_copy(update={"name": name})
        rows = np.arange(len(history) - ROWS, len(history)) - behind
        facts = {**record.facts(stamp, config, history), "synthetic": False}
        says = {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}
        last = iso(int(history.time[-1]))
        metadata = {
            **facts,
            "data": {"last": last, "synthetic": False},
            "dataset": {"target_scale": [0.01]},
            "warm_start": None,
            "parity": {
                "windows": 1000, "max_difference": 1e-9, "max_standardised_difference": 1e-7,
            },
        }  # fmt: skip
        value = error
        headline = {
            "metric": "rmse", "baseline": "persistence", "value": value, "naive": 0.01,
            "difference": value - 0.01, "low": value - 0.011, "high": value - 0.009,
            "rising": False,
        }  # fmt: skip
        metrics = {
            "metrics": {"rmse": value, "directional_accuracy": 0.7},
            "headline": headline,
            "significance": {"p_value": 0.001, "adjusted_p_value": 0.002, "trials": 2},
            "calibration": {"error": 0.01},
        }
        table = {
            "time": pa.array(history.time[rows], pa.timestamp("ms", tz="UTC")),
            "price": history.price[rows],
            "prediction": actual + error * noises[noise],
            "actual": actual,
        }
        files = {"metadata": metadata, "metrics": metrics, "table": table, "says": says}
        files["config"] = config.model_dump(mode="json")
        change(files)
        dump = {
            f"{part}.json": (lambda path, c=files[part]: path.write_text(json.dumps(c)) and None)
            for part in ("metadata", "metrics", "config")
        }
        writers = {
            **dump,
            "predictions.parquet": lambda path: pq.write_table(pa.table(files["table"]), path),
            "model.onnx": lambda path: graph(config, files["says"], path),
        }
        return store.add(workspace, "BTCUSDT", name, stamp, writers)

    return made


def refused(found):
    return [finding.gate for finding in found.refused]


def running(workspace):
    return store.find(workspace, "BTCUSDT/promoted")


def test_a_good_model_is_promoted_and_the_journal_says_on_what_grounds(workspace, made):
    version = made(0)
    found, entry = review.promote(workspace, version, why="the first")
    assert refused(found) == []
    assert running(workspace) == version
    assert entry.why == "the first" and entry.model == version.reference
    assert entry.gates == found.to_json()
    figures = {one["gate"]: one["value"] for one in entry.gates["findings"]}
    assert figures["calibration"] == 0.01 and figures["luck"] == 0.002
    assert entry.gates["limits"]["maximum_age_days"] == 30


def test_training_does_not_promote(workspace, made):
    made(0)
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        running(workspace)
    review.promote(workspace, store.find(workspace, "BTCUSDT"))
    for number in (1, 2, 3):
        made(number)
    assert running(workspace).version == STAMPS[0]


def put(part, *path, value):
    def change(files):
        content = files[part]
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("schema", put("says", "window", value="61")),
        ("schema", put("says", "symbol", value="ETHUSDT")),
        ("schema", put("says", "config_sha256", value="00")),
        ("schema", put("metadata", "features", value="full")),
        ("schema", put("config", "window", value=61)),
        ("schema", put("config", "window", value="x")),
        ("schema", put("config", "dataset", "max_gap", value=3)),
        ("schema", put("metadata", "horizon", value=5)),
        ("parity", put("metadata", "parity", value=None)),
        ("parity", put("metadata", "parity", "max_difference", value=float("nan"))),
        ("real", put("metadata", "data", "synthetic", value=True)),
        ("real", put("metadata", "warm_start", value={"version": "x", "synthetic": True})),
        ("fresh", put("metadata", "data", "last", value="2024-01-01T00:00:00Z")),
        ("skill", put("metrics", "headline", "high", value=0.001)),
        ("luck", put("metrics", "significance", "adjusted_p_value", value=float("nan"))),
        ("calibration", put("metrics", "calibration", value={})),
    ],
)
def test_each_gate_refuses_what_lies_on_the_disk(workspace, made, gate, change):
    version = made(0, change=change)
    assert refused(review.examine(workspace, version)) == [gate]
    with pytest.raises(GateRefusedError, match=f"1 of 9 gates refuse it: {gate}") as caught:
        review.promote(workspace, version)
    assert caught.value.exit_code == 8
    json.dumps(caught.value.findings, allow_nan=False)
    assert not (workspace.model_root / "BTCUSDT" / "promoted.json").exists()


@pytest.mark.parametrize("name", ["metrics.json", "model.onnx", "manifest.json"])
def test_nothing_is_read_of_a_model_that_was_changed(workspace, made, name):
    version = made(0)
    file = version.path / name
    file.write_bytes(file.read_bytes()[:-1] + b" ")
    found = review.examine(workspace, version)
    assert refused(found) == [finding.gate for finding in found.findings]
    assert "integrity" in refused(found)
    assert found.findings[0].value is None and name in found.findings[0].words
    assert {one.words for one in found.findings[1:]} == {
        "not read: its files are not what was written"
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\0"])
@pytest.mark.parametrize("name", ["metadata.json", "metrics.json", "config.json"])
def test_a_file_that_is_no_object_is_a_refusal(workspace, made, name, text):
    version = made(0)
    (version.path / name).write_text(text)
    (version.path / manifest.NAME).unlink()
    manifest.write(version.path)
    assert refused(review.examine(workspace, version))


def test_a_graph_that_cannot_be_opened_is_a_refusal(workspace, made):
    version = made(0)
    version.onnx.write_bytes(b"no graph")
    (version.path / manifest.NAME).unlink()
    manifest.write(version.path)
    assert refused(review.examine(workspace, version)) == ["schema"]


def own_gates(tmp_path, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**gate_file.read("default").model_dump(), **changes}))
    return str(path)


def answer(found, gate):
    return next(finding for finding in found.findings if finding.gate == gate)


def test_not_worse_is_asked_on_shared_rows(workspace, made):
    review.promote(workspace, made(0, error=0.005))
    worse = answer(review.examine(workspace, made(1, error=0.0055)), "not_worse")
    assert not worse.passed and worse.value == pytest.approx(0.1, abs=1e-6)
    assert "share of its rmse, paired on 1,000 rows" in worse.words
    equal = answer(review.examine(workspace, made(2, error=0.005)), "not_worse")
    assert equal.passed and equal.value == 0
    level = answer(review.examine(workspace, made(4, error=0.005, noise=1)), "not_worse")
    assert not level.passed and level.value > 0.03  # the worse end of the interval
    other = answer(review.examine(workspace, made(3, error=0.006, behind=200)), "not_worse")
    assert not other.passed  # at the same times other things came true: other candles
    assert "(800 rows differ)" in other.words


def test_of_two_models_that_are_level_each_may_be_worse(made):
    one, other = made(0), made(1, noise=1)
    for pair in ((one, other), (other, one)):
        found = rivals.rivalry(*pair, 300)
        assert found.better < 0 < found.worse


def test_models_without_shared_rows_are_compared_by_their_skill(workspace, made):
    review.promote(workspace, made(0, error=0.005))
    older = made(1, error=0.004, behind=ROWS - 100)
    found = answer(review.examine(workspace, older), "not_worse")
    assert found.passed and found.value == pytest.approx(0.004 / 0.005 - 1)
    assert "(100 shared rows)" in found.words
    assert "is 0.4000 of the naive one's, that model's 0.5000" in found.words
    worse = made(2, error=0.006, behind=ROWS - 100)
    found = answer(review.examine(workspace, worse), "not_worse")
    assert not found.passed and found.value == pytest.approx(0.2)


@pytest.mark.parametrize("which", [0, 1])
def test_a_figure_that_cannot_be_divided_by_is_a_refusal(workspace, made, which):
    change = [lambda files: None, lambda files: None]
    change[which] = put("metrics", "headline", "naive", value=0.0)
    first = made(0, change=change[0])
    seen = promotion.read(workspace, "BTCUSDT")
    promotion.promote(workspace, first, seen, promotion.Grounds("", {}))
    found = review.examine(workspace, made(1, behind=ROWS - 100, change=change[1]))
    assert "ZeroDivisionError" in answer(found, "not_worse").words
    assert not answer(found, "not_worse").passed


def test_a_disk_that_does_not_answer_is_a_refusal(workspace, made, monkeypatch):
    def broken(_path):
        raise OSError(5, "Input/output error")

    version = made(0)
    monkeypatch.setattr(manifest, "entry_of", broken)
    found = review.examine(workspace, version)
    assert "integrity" in refused(found) and len(refused(found)) == len(found.findings)


def test_where_more_is_better_less_skill_is_worse(made):
    def rising(share):
        def change(files):
            files["metrics"]["headline"] |= {"rising": True, "value": share, "naive": 1.0}

        return change

    good, bad = made(0, change=rising(0.8)), made(1, behind=ROWS - 100, change=rising(0.4))
    assert rivals.rivalry(bad, good, 300).worse == pytest.approx(0.5)
    assert rivals.rivalry(good, bad, 300).worse == pytest.approx(-1.0)


def test_another_question_is_not_answered(workspace, made, tmp_path):
    review.promote(workspace, made(0))
    other = made(1, horizon=5)
    found = answer(review.examine(workspace, other), "not_worse")
    assert not found.passed and "horizon is 5 for the one, 1 for the other" in found.words
    mine = own_gates(tmp_path, maximum_worsening=None)
    review.promote(workspace, other, gates=mine)
    assert running(workspace) == other


def test_a_promoted_model_that_is_damaged_cannot_be_compared_with(workspace, made):
    first, second = made(0), made(1)
    review.promote(workspace, first)
    (first.path / "metrics.json").write_text("{}")
    found = review.examine(workspace, second)
    assert refused(found) == ["not_worse"]
    assert "metrics.json" in answer(found, "not_worse").words


def test_what_was_promoted_meanwhile_is_what_it_is_compared_with(workspace, made, monkeypatch):
    better, worse = made(0, error=0.004), made(1, error=0.005)
    examine, turns = review.examine, []

    def slow(*words):
        found = examine(*words)
        if not turns:
            turns.append(found)
            assert refused(found) == []
            seen = promotion.read(workspace, "BTCUSDT")
            promotion.promote(workspace, better, seen, promotion.Grounds("", {}))
        return found

    monkeypatch.setattr(review, "examine", slow)
    with pytest.raises(GateRefusedError, match="not_worse"):
        review.promote(workspace, worse)
    assert running(workspace) == better


def test_a_candidate_by_what_a_person_types(workspace, made):
    first, second, other = made(0), made(1), made(1, name="other")
    for word in (STAMPS[0], f"fast/{STAMPS[0]}", f"BTCUSDT/fast/{STAMPS[0]}"):
        assert review.candidate(workspace, "BTCUSDT", word) == first
    assert review.candidate(workspace, "BTCUSDT", "latest") in (second, other)
    assert review.candidate(workspace, "BTCUSDT", f"other/{STAMPS[1]}") == other
    with pytest.raises(UsageError, match="names 2 models"):
        review.candidate(workspace, "BTCUSDT", STAMPS[1])
    for word in ("fast", "x", "", "../x", f"ETHUSDT/fast/{STAMPS[0]}"):
        with pytest.raises(UsageError, match="there is no model"):
            review.candidate(workspace, "BTCUSDT", word)
    with pytest.raises(UsageError, match="train one"):
        review.candidate(workspace, "ETHUSDT", "latest")


def test_a_comparison_by_hand(made):
    a, b = made(0, error=0.005), made(1, error=0.006)
    found = rivals.compare(a, b).to_json()
    assert (found["a"], found["b"], found["rows"]) == (a.reference, b.reference, ROWS)
    rmse = next(one for one in found["metrics"] if one["metric"] == "rmse")
    assert rmse["a"] / rmse["b"] == pytest.approx(5 / 6)
    assert rmse["difference"] == pytest.approx(rmse["a"] - rmse["b"])
    assert rmse["interval"][0] < rmse["difference"] < rmse["interval"][1] < 0
    assert rmse["better"] == "a"
    assert rmse["a_interval"][0] < rmse["a"] < rmse["a_interval"][1]
    mirrored = rivals.compare(b, a).to_json()["metrics"]
    assert [one["better"] for one in mirrored if one["metric"] == "rmse"] == ["b"]


def test_rows_of_the_same_time_are_paired_in_their_order(made):
    def crowded(files):
        time = np.asarray(files["table"]["time"].cast(pa.int64()))
        files["table"]["time"] = pa.array(time // HOUR // 7 * 7 * HOUR, pa.timestamp("ms", "UTC"))

    a, b = made(0, change=crowded), made(1, error=0.006, change=crowded)
    assert rivals.compare(a, b).to_json()["rows"] == ROWS


def test_what_cannot_be_compared(made):
    a = made(0)
    with pytest.raises(DataError, match="they share 20 test rows, 30 are needed"):
        rivals.compare(a, made(1, behind=ROWS - 20))
    with pytest.raises(DataError, match="at 900 of 900 shared rows other things came true"):
        rivals.compare(a, made(2, behind=100))
    with pytest.raises(UsageError, match="asked different things: kind is 'return'"):
        rivals.compare(a, made(3, target="direction"))
    (a.path / "config.json").write_text("{}")
    with pytest.raises(IntegrityError):
        rivals.compare(a, made(4))


@pytest.fixture
def atb(workspace, capfd):
    """Run `atb models WORDS...` here; its exit code, its answer, what it said."""

    def atb(*words):
        code = main(["models", *map(str, words), "--artifacts", str(workspace.root)])
        out, err = capfd.readouterr()
        return code, out, err

    return atb


def test_the_shell_promotes_and_shows_every_gate(workspace, made, atb):
    version = made(0)
    code, out, err = atb("promote", "BTCUSDT", "latest", "--why", "better")
    assert code == 0 and f"{version.reference} runs" in err
    lines = out.splitlines()
    assert lines[0] == f"{version.reference} before the gates of default"
    assert [line.split()[0] for line in lines[3:]] == [
        *("integrity", "schema", "parity", "real", "fresh", "skill", "luck", "calibration"),
        "not_worse",
    ]
    assert "REFUSED" not in out and out.count("passes") == 9


def test_the_shell_refuses_with_exit_8_and_the_same_table(workspace, made, atb):
    version = made(0, change=put("metrics", "calibration", "error", value=0.3))
    code, out, err = atb("promote", "BTCUSDT", STAMPS[0])
    assert code == 8
    assert err == (
        f"error: {version.reference}: 1 of 9 gates refuse it: calibration; what runs is unchanged\n"
    )
    assert [line.split()[:4] for line in out.splitlines() if "REFUSED" in line] == [
        ["calibration", "0.3", "0.05", "REFUSED"]
    ]
    code, out, _ = atb("promote", "BTCUSDT", STAMPS[0], "--gates", "strict", "--json")
    said = json.loads(out.splitlines()[-1])
    assert code == 8 and said["promoted"] is False and said["gates"] == "strict"
    assert [one["gate"] for one in said["findings"] if not one["passed"]] == ["calibration"]
    assert atb("promote", "BTCUSDT", STAMPS[0], "--gates", "defualt")[0] == 2


def test_the_shell_goes_back_and_tells_the_history(workspace, made, atb):
    assert atb("history", "BTCUSDT")[0] == 0
    assert atb("rollback", "BTCUSDT")[0] == 2
    for number in (0, 1):
        made(number)
        assert atb("promote", "BTCUSDT", "latest")[0] == 0
    begin = time.perf_counter()
    code, out, _ = atb("rollback", "BTCUSDT", "--why", "it lost", "--json")
    assert code == 0 and time.perf_counter() - begin < 1
    said = json.loads(out)
    assert (said["model"][-25:], said["instead_of"][-25:]) == (STAMPS[0], STAMPS[1])
    code, out, _ = atb("history", "BTCUSDT", "--json")
    said = json.loads(out)
    assert (said["running"], said["pending"]) == (f"BTCUSDT/fast/{STAMPS[0]}", False)
    assert [one["action"] for one in said["entries"]] == ["promote", "promote", "rollback"]
    code, out, _ = atb("history", "BTCUSDT")
    assert "it lost" in out and out.splitlines()[-1].split() == ["runs", said["running"]]
    journal = workspace.model_root / "BTCUSDT" / "promotions.jsonl"
    journal.write_bytes(journal.read_bytes()[:-1])
    for words in (
        ("history", "BTCUSDT"),
        ("rollback", "BTCUSDT"),
        ("promote", "BTCUSDT", "latest"),
    ):
        assert atb(*words)[0] == 9


def test_the_shell_says_that_a_command_was_stopped(workspace, made, atb):
    review.promote(workspace, made(0))
    home = workspace.model_root / "BTCUSDT"
    before = (home / "promoted.json").read_bytes()
    review.promote(workspace, made(1))
    (home / "promoted.json").write_bytes(before)
    code, out, err = atb("history", "BTCUSDT")
    assert code == 0 and "did not take effect" in err
    assert out.splitlines()[-1].split() == ["runs", f"BTCUSDT/fast/{STAMPS[0]}"]


def test_the_shell_does_not_show_what_another_version_wrote(made, atb):
    made(0)
    code, out, err = atb("show", "BTCUSDT")
    assert (code, out) == (4, "") and "it is from another version of atb" in err


def test_the_shell_compares(made, atb):
    made(0), made(1, error=0.006)
    code, out, _ = atb("compare", f"BTCUSDT/fast/{STAMPS[0]}", "BTCUSDT/fast")
    assert code == 0 and "On 1,000 shared test rows" in out
    (rmse,) = (line.split() for line in out.splitlines() if line.startswith("rmse"))
    assert rmse[-1] == "A"
    code, out, _ = atb("compare", f"BTCUSDT/fast/{STAMPS[0]}", "BTCUSDT/fast", "--json")
    assert json.loads(out)["rows"] == ROWS
