"""A training for an MLflow server: settings as parameters, curves and figures as metrics.

Nothing waits long for a server that is down, and MLflow's own reporting of usage stays off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from atb import extras
from atb.errors import StorageError, UsageError
from atb.report.sinks.told import Told

RUN_TAG = "atb.run"
TOGETHER = 100  # parameters in one request; the server takes no more
METRICS_TOGETHER = 1000  # likewise
VALUE_CHARACTERS = 6000  # of a parameter, likewise
PATIENCE = {  # unless the environment says otherwise
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
SILENCE = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"  # where answers go; with its user and password

Item = TypeVar("Item")


def require_address(uri: str) -> None:
    """Refuse what is no address of a server; a folder or a database is none.

    Raises:
        UsageError: naming it.
    """
    try:
        parts = urlsplit(uri)
        meant = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        meant = False
    if not meant:
        raise UsageError(
            f"{uri!r} is no address of a server",
            where="--mlflow",
            remedy="give one such as http://127.0.0.1:5000",
        )


def send(told: Told, uri: str) -> None:
    """Make a run in the experiment `atb/SYMBOL`, unless this run is there already.

    Args:
        told: the training.
        uri: of the tracking server; credentials are MLflow's own environment variables.

    Raises:
        ResourceError: when MLflow is not installed.
        StorageError: when the server cannot be reached, or refuses.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)  # before the import, which reads the last
    os.environ[SILENCE] = "true"
    tracking = extras.require("mlflow.tracking", extra="mlflow")
    problem = extras.require("mlflow.exceptions", extra="mlflow").MlflowException
    try:
        client = tracking.MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, f"atb/{told.symbol}")
        if not _known(client, experiment, told.run):
            _send(client, experiment, told)
    except problem as error:
        raise StorageError(
            f"MLflow did not take {told.run}: {_reason(error)}",
            where=uri,
            remedy="the model is kept; its events.jsonl holds what was to be sent",
        ) from error


def _reason(error: Exception) -> str:
    """The first line of what the client says, without the Python of what it stumbled over."""
    said = str(error).partition("\n")[0].partition(" with exception ")[0]
    return said or type(error).__name__


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _known(client: Any, experiment: str, run: str) -> bool:
    wanted = f"tags.`{RUN_TAG}` = '{run}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([experiment], wanted, max_results=1))


def _send(client: Any, experiment: str, told: Told) -> None:
    entities = extras.require("mlflow.entities", extra="mlflow")
    tags = {RUN_TAG: told.run, "symbol": told.symbol, "preset": told.preset}
    made = client.create_run(experiment, told.began, tags, f"{told.preset} {told.run}")
    settings = [
        entities.Param(name, value[:VALUE_CHARACTERS]) for name, value in told.settings.items()
    ]
    for some in _in_turn(settings, TOGETHER):
        client.log_batch(made.info.run_id, params=some)
    metrics = [
        *(
            entities.Metric(f"epoch/{name}", value, epoch.time, number)
            for number, epoch in told.epochs.items()
            for name, value in epoch.figures.items()
        ),
        *(entities.Metric(name, value, told.ended, 0) for name, value in told.figures.items()),
    ]
    for some in _in_turn(metrics, METRICS_TOGETHER):
        client.log_batch(made.info.run_id, metrics=some)
    client.set_terminated(made.info.run_id, "FINISHED", told.ended)


def _in_turn(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), count):
        yield items[start : start + count]
