from __future__ import annotations

from pathlib import Path
from typing import Any

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
