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
