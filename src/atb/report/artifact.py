"""The files of a model's folder and what writes each of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from atb.registry import document
from atb.report import page, profile, record, tables, trading_tables
from atb.report.record import Run


def files(
    run: Run, serving: Any, graph: Path, stages: dict[str, float]
) -> dict[str, Callable[[Path], None]]:
    """By file name, what writes it.

    Args:
        run: everything the walk produced.
        serving: the serving model; `save(path)` writes it for Keras.
        graph: the verified ONNX file.
        stages: seconds by stage so far.
    """
    return {
        "config.json": partial(document.write, run.config.model_dump(mode="json")),
        "metadata.json": partial(document.write, record.metadata(run, stages)),
        "metrics.json": partial(document.write, record.metrics(run)),
        "history.csv": partial(tables.write_history, run),
        "predictions.parquet": partial(tables.write_predictions, run),
        **trading_tables.files(run.backtest),
        "profile.json": partial(profile.write, run),
        "report.html": partial(page.write, run),
        "model.onnx": partial(shutil.copyfile, graph),
        "model.keras": serving.save,
        **run.fitted.files,
    }
