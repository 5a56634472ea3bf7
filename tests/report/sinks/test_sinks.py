"""What TensorBoard and an MLflow server are told of a training, read back as they would."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from atb import events, extras
from atb.errors import IntegrityError, ResourceError, UsageError
from atb.event_log import NAME, EventLog
from atb.report.sinks import tensorboard
from atb.report.sinks.publish import Sinks
from atb.report.sinks.told import told

CONFIG = {
    "symbol": "BTCUSDT",
    "name": "fast",
    "window": 60,
    "training": {"batch": 64, **{f"field_{n}": n for n in range(150)}},
}
LOSSES = {1: (0.5, 0.75), 2: (0.25, 0.5)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder with the log of a training that was stopped once, and gone on with."""
    folder = tmp_path / "v1"
    folder.mkdir()
    facts = {"run": "v1", "config": CONFIG, "environment": {"python": "3.11"}}
    first, second = EventLog(), EventLog()
    first.begin(folder / NAME, **facts)
    first(events.StageEnded("data", 1.5))
    first(events.Warned("1 gap"))
    first(events.EpochEnded(1, 2, 9.0, 9.0, True, 2.0, {}))
    second.begin(folder / NAME, **facts)
    for number, (loss, validation) in LOSSES.items():
        second(events.EpochEnded(number, 2, loss, validation, True, 2.0, {"mcc": 0.125}))
    second(events.StageEnded("training", 4.0))
    second(events.Measured(1, {"rmse": 0.25, "r2": float("nan")}, "level with persistence"))
    second(events.Measured(5, {"rmse": 0.5}, "level with persistence"))
    return folder


FIGURES = {"seconds/data": 1.5, "seconds/training": 4.0, "test/rmse": 0.25, "test_5/rmse": 0.5}


def test_a_log_is_told_once_for_all_sinks(model: Path) -> None:
    found = told(model / NAME)
    assert (found.run, found.symbol, found.preset) == ("v1", "BTCUSDT", "fast")
    assert found.settings["training.batch"] == "64"
    assert found.settings["environment.python"] == "3.11"
    assert {number: epoch.figures["loss"] for number, epoch in found.epochs.items()} == {
        1: 0.5,
        2: 0.25,
    }
    assert found.figures == FIGURES
    assert found.warnings == ("1 gap",)


def test_the_log_of_something_else_is_refused(tmp_path: Path) -> None:
    EventLog().begin(tmp_path / NAME, plan="x")
    with pytest.raises(IntegrityError, match=r"no event log of a training \(KeyError: 'config'\)"):
        told(tmp_path / NAME)


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (0, {"time": "x"}),
        (0, {"config": "x"}),
        (-1, {"time": None}),
        (3, {"epoch": "x"}),
        (3, {"time": "x"}),
        (3, {"loss": "x"}),
        (-1, {"metrics": {"rmse": [1]}}),
    ],
)
def test_a_log_with_what_no_training_says_is_refused(
    line: int, change: dict[str, Any], model: Path
) -> None:
    records = [json.loads(one) for one in (model / NAME).read_text().splitlines()]
    assert set(change) <= set(records[line])
    records[line] |= change
    (model / NAME).write_text("".join(json.dumps(one) + "\n" for one in records))
    with pytest.raises(IntegrityError, match="no event log of a training"):
        told(model / NAME)


def test_tensorboard_reads_what_is_written_for_it(model: Path, tmp_path: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    for _ in range(2):  # once more changes nothing
        tensorboard.write(told(model / NAME), tmp_path / "boards")
    (file,) = (tmp_path / "boards" / "BTCUSDT-fast-v1").iterdir()
    records, read = PyRecordReader_New(str(file)), []
    with contextlib.suppress(OutOfRangeError):  # its end; the sum of every record is checked
        while True:
            records.GetNext()
            read.append(Event.FromString(records.record()))
    assert read[0].file_version == "brain.Event:2"
    numbers, texts = {}, {}
    for event in read[1:]:
        for value in event.summary.value:
            if value.HasField("tensor"):
                texts[value.tag] = value.tensor.string_val[0].decode()
            else:
                numbers[event.step, value.tag] = value.simple_value
    losses = {(n, "epoch/loss"): loss for n, (loss, _) in LOSSES.items()}
    validation = {(n, "epoch/validation_loss"): loss for n, (_, loss) in LOSSES.items()}
    others = {
        (n, f"epoch/{name}"): v for n in LOSSES for name, v in (("seconds", 2), ("mcc", 1 / 8))
    }
    figures = {(0, name): value for name, value in FIGURES.items()}
    assert numbers == losses | validation | others | figures
    assert "| window | 60 |" in texts["settings"]
    assert texts["warnings"] == "- 1 gap"


class Server(ThreadingHTTPServer):
    """Speaks as much of MLflow's REST interface as a client needs; remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.finished: list[dict[str, Any]] = []

    def answer(self, what: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        run = {"info": {"run_id": "r", "run_uuid": "r", "experiment_id": "7"}, "data": {}}
        match what:
            case "experiments/get-by-name":
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none such"}
            case "experiments/create":
                return 200, {"experiment_id": "7"}
            case "runs/search":
                return 200, {"runs": self.finished}
            case "runs/create":
                return 200, {"run": run}
            case "runs/update":
                self.finished.append(run)
                return 200, {"run_info": run["info"]}
        return 200, {}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        what = self.path.partition("?")[0].removeprefix("/api/2.0/mlflow/")
        server: Any = self.server
        server.told.append((what, asked))
        status, answer = server.answer(what, asked)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_an_mlflow_server_gets_a_run_once(
    model: Path, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[events.Event] = []
    sinks = Sinks(mlflow=f"http://127.0.0.1:{server.server_port}")
    sinks.require()
    sinks.publish([model], heard.append)
    assert heard == []
    said = dict(server.told)
    assert said["experiments/create"]["name"] == "atb/BTCUSDT"
    assert {"key": "atb.run", "value": "v1"} in said["runs/create"]["tags"]
    assert said["runs/update"]["status"] == "FINISHED"
    batches = [asked for what, asked in server.told if what == "runs/log-batch"]
    params = [param for batch in batches for param in batch.get("params", [])]
    assert max(len(batch.get("params", [])) for batch in batches) == 100
    assert len(params) == len(told(model / NAME).settings) == 155
    assert {"key": "training.batch", "value": "64"} in params
    metrics = [metric for batch in batches for metric in batch.get("metrics", [])]
    curve = {m.get("step", 0): m["value"] for m in metrics if m["key"] == "epoch/loss"}
    assert {int(step): value for step, value in curve.items()} == {1: 0.5, 2: 0.25}
    assert {m["key"]: m["value"] for m in metrics if m["key"] in FIGURES} == FIGURES

    server.told.clear()
    sinks.publish([model], heard.append)
    assert "runs/create" not in dict(server.told)
    assert capfd.readouterr().out == ""  # answers for programs go there


def test_a_server_that_is_down_costs_a_warning_and_no_secret(model: Path, tmp_path: Path) -> None:
    heard: list[Any] = []
    sinks = Sinks(tmp_path / "boards", "http://anna:hunter2@127.0.0.1:9")
    sinks.publish([model, model], heard.append)
    (warning,) = heard  # the other model is not tried
    assert warning.message.startswith("http://***@127.0.0.1:9: MLflow did not take v1: ")
    assert "hunter2" not in warning.message
    assert len(list((tmp_path / "boards").glob("*/*.atb"))) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "mlruns",
        "sqlite:///x.db",
        "127.0.0.1:5000",
        "http://",
        "http://anna:hunter2@[::1",
        "http://h:x",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_before_anything_is_trained(uri: str) -> None:
    with pytest.raises(UsageError, match="is no address of a server") as refused:
        Sinks(mlflow=uri).require()
    assert "hunter2" not in str(refused.value)


def test_a_model_without_a_log_is_passed_over(model: Path, tmp_path: Path) -> None:
    heard: list[Any] = []
    Sinks(tmp_path / "boards").publish([tmp_path / "older", model], heard.append)
    (warning,) = heard
    assert "older/events.jsonl: it cannot be read" in warning.message
    assert len(list((tmp_path / "boards").glob("*/*.atb"))) == 1


def test_what_is_not_installed_is_said_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(extras.LIBRARIES, "mlflow", ("no_such_library",))
    Sinks(tmp_path).require()
    with pytest.raises(ResourceError, match=r"pip install 'atb\[mlflow\]'"):
        Sinks(mlflow="http://127.0.0.1:9").require()
