"""What `atb export onnx` refuses before it looks for a model."""

from __future__ import annotations

import pytest

from atb_cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--quantize", "static", "--precision", "float16"], "exclude each other; choose one"),
        (["--candles", "rows.csv"], "--candles rows.csv is for a smaller graph"),
        (["--quantize", "int4"], "'int4' is not one of 'dynamic', 'static'"),
        (["--precision", "float32"], "'float32' is not 'float16'"),
    ],
)
def test_options_that_cannot_be_meant(words, said, capsys, tmp_path):
    assert main(["export", "onnx", "BTCUSDT/fast", "--artifacts", str(tmp_path), *words]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert said in streams.err


@pytest.mark.parametrize("place", ["MODEL/model.onnx", "OTHER/model.onnx", "new.onnx", "../a.onnx"])
@pytest.mark.parametrize("way", [[], ["--precision", "float16"]])
def test_no_file_is_written_among_models(place, way, capsys, tmp_path):
    """Another model's folder is as final as the model's own."""
    home = tmp_path / "models" / "BTCUSDT" / "fast"
    for version in ("MODEL", "OTHER"):
        (home / version).mkdir(parents=True)
        (home / version / "model.onnx").write_bytes(b"whole")
    words = [*way, "--artifacts", str(tmp_path), "--output", str(home / place)]
    assert main(["export", "onnx", "BTCUSDT/fast/MODEL", *words]) == 2
    assert "whose files are final" in capsys.readouterr().err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.read_bytes() for path in files} == {b"whole"} and len(files) == 2
