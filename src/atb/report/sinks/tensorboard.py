"""A training for TensorBoard: its curves by epoch, its figures, its settings and warnings as text.

Needs TensorBoard alone, TensorFlow is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atb import atomic, extras
from atb.report.sinks.told import Told

VERSION = "brain.Event:2"  # of the file format


def write(told: Told, folder: Path) -> None:
    """Write `folder/SYMBOL-PRESET-RUN/`; what was there of this run is replaced.

    Raises:
        ResourceError: when TensorBoard is not installed.
        StorageError: when the disk refuses.
    """
    records = extras.require("tensorboard.summary.writer.record_writer", extra="tensorboard")
    protocol = extras.require("tensorboard.compat.proto.event_pb2", extra="tensorboard")
    place = folder / f"{told.symbol}-{told.preset}-{told.run}"
    with (
        atomic.file(place / f"events.out.tfevents.{told.began // 1000}.atb") as path,
        path.open("wb") as stream,
    ):
        writer = records.RecordWriter(stream)
        writer.write(_event(protocol, told.began, file_version=VERSION))
        for time, step, values in _summaries(told):
            made = _summary(values)
            writer.write(_event(protocol, time, step=step, summary=made))


def _event(protocol: Any, time_ms: int, **content: Any) -> bytes:
    return bytes(protocol.Event(wall_time=time_ms / 1000, **content).SerializeToString())


def _summaries(told: Told) -> Iterator[tuple[int, int, Mapping[str, float | str]]]:
    """Time in ms UTC, step, and values by tag: epochs by their number, the rest at step 0."""
    for number, epoch in told.epochs.items():
        values = {f"epoch/{name}": value for name, value in epoch.figures.items()}
        yield epoch.time, number, values
    settings = "\n".join(f"| {name} | {value} |" for name, value in told.settings.items())
    texts = {"settings": f"| setting | value |\n|---|---|\n{settings}"}
    if told.warnings:
        texts["warnings"] = "\n".join(f"- {message}" for message in told.warnings)
    yield told.ended, 0, {**told.figures, **texts}


def _summary(values: Mapping[str, float | str]) -> Any:
    """Numbers as curves, text as text."""
    protocol = extras.require("tensorboard.compat.proto.summary_pb2", extra="tensorboard")
    tensors = extras.require("tensorboard.compat.proto.tensor_pb2", extra="tensorboard")
    types = extras.require("tensorboard.compat.proto.types_pb2", extra="tensorboard")
    texts = protocol.SummaryMetadata(
        plugin_data=protocol.SummaryMetadata.PluginData(plugin_name="text"),
        data_class=protocol.DATA_CLASS_TENSOR,
    )
    return protocol.Summary(
        value=[
            protocol.Summary.Value(
                tag=tag,
                metadata=texts,
                tensor=tensors.TensorProto(dtype=types.DT_STRING, string_val=[value.encode()]),
            )
            if isinstance(value, str)
            else protocol.Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
        ]
    )
