"""The options that tell TensorBoard or an MLflow server of trainings.

Knows the two options; what is told is `atb.report.sinks`' business.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from atb.report.sinks.publish import Sinks

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = "tensorboard"  # under the artifacts, where --tensorboard stands alone
_NO_FOLDER = ""

_TENSORBOARD = click.option(
    "--tensorboard",
    is_flag=False,
    flag_value=_NO_FOLDER,
    metavar="[DIR]",
    help=f"Write each finished training for TensorBoard; into DIR, or {FOLDER} under --artifacts.",
)
_MLFLOW = click.option(
    "--mlflow",
    metavar="URI",
    help="Tell an MLflow server of each finished training; one that is down costs a warning.",
)


def options(command: Command) -> Command:
    """Add `--tensorboard [DIR]` and `--mlflow URI`."""
    return _TENSORBOARD(_MLFLOW(command))


def sinks(tensorboard: str | None, mlflow: str | None, artifacts: Path) -> Sinks:
    """What was asked for; call its `publish(models, listen)` when trainings are done.

    Raises:
        ResourceError: when it is not installed, before anything is trained.
        UsageError: when MLflow's address is none of a server.
    """
    from atb.report.sinks.publish import Sinks

    folder = None
    if tensorboard is not None:
        folder = Path(tensorboard) if tensorboard != _NO_FOLDER else artifacts / FOLDER
    asked = Sinks(folder, mlflow)
    asked.require()
    return asked
