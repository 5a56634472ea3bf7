"""Training that begins with the weights of a registered model.

A model must not have learned from bars that the new one is tested on. Whether it fits otherwise is
asked in `atb.parents`.
"""

from __future__ import annotations

import keras

from atb.clock import iso
from atb.dataset.build import Dataset
from atb.errors import DataError
from atb.export import rewrite
from atb.market.history import History
from atb.registry import integrity, store
from atb.workspace import Workspace


def give(workspace: Workspace, reference: str, network: keras.Model) -> None:
    """Set a network's weights to those of a registered model.

    Raises:
        UsageError: when there is no such model.
        IntegrityError: when its files are not what its manifest says.
    """
    version = store.find(workspace, reference)
    integrity.verify(version.path)
    serving = rewrite.load(version.path / "model.keras")
    network.set_weights(serving.get_layer(network.name).get_weights())


def require_unseen(learned_until: int, history: History, dataset: Dataset) -> None:
    """Refuse to test on rows that a model has learned from.

    Args:
        learned_until: ms UTC; close of the last row it learned from.
        history: `[N]` rows.
        dataset: its split says which rows are tested on.

    Raises:
        DataError: naming both times.
    """
    first = int(history.close_time[dataset.split.test[0]])
    if learned_until > first:
        raise DataError(
            f"the model has learned from rows up to {iso(learned_until)}, "
            f"but test rows begin at {iso(first)}",
            where="--from",
            remedy="give data whose test part is later",
        )
