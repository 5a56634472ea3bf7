from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from atb.errors import IntegrityError
from atb.registry import manifest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def folder(tmp_path: Path, keras_file: bytes) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.keras").write_bytes(keras_file)
    (model / "model.onnx").write_bytes(b"")
    manifest.write(model)
    return model


def test_a_changed_keras_file_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb.export.rewrite import rewrite

    def parsed(*_: Any, **__: Any) -> None:
        pytest.fail("the file was parsed")

    monkeypatch.setattr("keras.saving.load_model", parsed)
    model = folder(tmp_path, b"whole")
    (model / "model.keras").write_bytes(b"holed")
    with pytest.raises(IntegrityError, match="SHA-256"):
        rewrite(model, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_what_is_no_keras_file_is_one_clear_error(tmp_path: Path) -> None:
    from atb.export.rewrite import rewrite

    with pytest.raises(IntegrityError, match="no plain network"):
        rewrite(folder(tmp_path, b"no zip at all"), tmp_path / "out.onnx")


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": [{"class_name": "Dense", "module": "keras.layers"}]},
        {"layers": [], "input_layers": [["none", 0, 0]], "output_layers": [["none", 0, 0]]},
        {"layers": None},
    ],
)
def test_a_plain_network_that_keras_cannot_make_is_one_clear_error(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """Keras ends in a KeyError, a RuntimeError or a TypeError."""
    from atb.export.rewrite import load

    described = {"name": "serving", "input_layers": [], "output_layers": [], **wrong}
    config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": described,
        "registered_name": "Functional",
    }
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_group("layers")
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
    with pytest.raises(IntegrityError, match="Keras cannot load it"):
        load(path)
