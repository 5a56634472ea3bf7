"""`--share` in the shell: where it cannot be meant, it is refused in words."""

from __future__ import annotations

import pytest

from atb_cli.main import main

DASK = ("--engine", "dask", "--address", "tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--share", "s3://bucket/atb"], 2, "the local engine works in"),
        ([*DASK, "--share", "nowhere://x"], 2, "Protocol not known: nowhere"),
        ([*DASK, "--share", "lakefs://x"], 6, "no library here opens it"),
        ([*DASK, "--share", "{out}"], 2, "these are the artifacts themselves"),
    ],
)
def test_a_place_that_cannot_be_meant(tmp_path, capsys, words, code, said):
    out = tmp_path / "out"
    asked = [word.format(out=out) for word in words]
    for jobs in (["model", "BTCUSDT"], ["model", "BTCUSDT", "ETHUSDT"]):
        assert main(["train", *jobs, *asked, "--source", "sample", "--artifacts", str(out)]) == code
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("error: ") and said in last
    assert not out.exists()
