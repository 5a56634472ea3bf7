"""Hands trainings that are done to the tools that were asked for; what fails there is a warning.

The models are registered by then, and nothing here can harm them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from atb import event_log, extras
from atb.errors import AtbError, IntegrityError
from atb.events import Listener, Warned
from atb.report.sinks import mlflow, tensorboard
from atb.report.sinks.told import Told, told

Taker: TypeAlias = Callable[[Told], None]


@dataclass(frozen=True)
class Sinks:
    """Where trainings are told of.

    Attributes:
        tensorboard: folder for TensorBoard; None for none.
        mlflow: address of an MLflow server; None for none.
    """

    tensorboard: Path | None = None
    mlflow: str | None = None

    def require(self) -> None:
        """Refuse, before anything is trained, what is not installed or cannot be meant.

        Raises:
            ResourceError: naming the extra.
            UsageError: for an address of no server.
        """
        if self.tensorboard is not None:
            extras.require_installed("tensorboard")
        if self.mlflow is not None:
            extras.require_installed("mlflow")
            mlflow.require_address(self.mlflow)

    def publish(self, models: Iterable[Path], listen: Listener) -> None:
        """Tell of the trainings of models; a tool that fails is left alone from then on.

        Args:
            models: folders of registered models; what is told of one again changes nothing.
            listen: told of what failed, as a warning.
        """
        takers = self._takers()
        for path in models if takers else ():
            try:
                training = told(path / event_log.NAME)
            except IntegrityError as error:
                listen(Warned(str(error)))
            else:
                takers = [take for take in takers if _took(take, training, listen)]

    def _takers(self) -> list[Taker]:
        takers: list[Taker] = []
        if self.tensorboard is not None:
            takers.append(partial(tensorboard.write, folder=self.tensorboard))
        if self.mlflow is not None:
            takers.append(partial(mlflow.send, uri=self.mlflow))
        return takers


def _took(take: Taker, training: Told, listen: Listener) -> bool:
    try:
        take(training)
    except AtbError as error:
        listen(Warned(str(error)))
        return False
    return True
