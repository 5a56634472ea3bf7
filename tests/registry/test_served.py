from __future__ import annotations

from pathlib import Path

import pytest

from atb.errors import IntegrityError
from atb.registry.served import graph_of


def folder(path: Path, metadata: str | None, *graphs: str) -> Path:
    if metadata is not None:
        (path / "metadata.json").write_text(metadata)
    for name in graphs:
        (path / name).touch()
    return path


@pytest.mark.parametrize("metadata", [None, "{}", '{"serves": "model.onnx"}'])
def test_the_float32_graph_is_served_where_nothing_else_is_said(
    tmp_path: Path, metadata: str | None
) -> None:
    assert graph_of(folder(tmp_path, metadata, "model.onnx")) == "model.onnx"


def test_the_metadata_name_a_smaller_one(tmp_path: Path) -> None:
    said = '{"serves": "model.int8.onnx"}'
    assert graph_of(folder(tmp_path, said, "model.onnx", "model.int8.onnx")) == "model.int8.onnx"


@pytest.mark.parametrize(
    "named",
    [
        '"model.int8.onnx"',
        '"../model.onnx"',
        '"model.keras"',
        '"model.onnx.old"',
        "8",
        "null",
        '""',
    ],
)
def test_what_is_no_graph_of_the_folder_is_refused(tmp_path: Path, named: str) -> None:
    model = folder(
        tmp_path, f'{{"serves": {named}}}', "model.onnx", "model.keras", "model.onnx.old"
    )
    with pytest.raises(IntegrityError, match="no graph of its folder"):
        graph_of(model)


@pytest.mark.parametrize("metadata", ["", "[]", "7", "{"])
def test_metadata_that_are_no_object_are_refused(tmp_path: Path, metadata: str) -> None:
    with pytest.raises(IntegrityError, match="no object of JSON"):
        graph_of(folder(tmp_path, metadata, "model.onnx"))
