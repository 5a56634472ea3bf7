"""`atb audit` as a user types it: their own features, without TensorFlow, and what goes wrong."""

from __future__ import annotations

import json

import pytest

from atb_cli.main import main

MINE = """
def momentum(candles): return candles["close"].pct_change(24)
def centred(candles): return candles["close"].rolling(5, center=True).mean()
def two(candles, other): return candles["close"]
"""


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    """Run `atb audit WORDS...` here, in a folder with features; the code and the two streams."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["audit", *map(str, words)])
        streams = capsys.readouterr()
        return code, streams.out, streams.err

    return run


def test_own_features_as_a_table(shell) -> None:
    code, out, err = shell("lookahead", "--module", "mine.py", "--bars", 40)
    assert code == 3
    assert "close; 2 ahead" in out
    assert "left out, because they take none or several arguments: two" in err
    assert err.splitlines()[-1].startswith("error: not clean: centred (leak);")


def test_own_features_for_programs(shell) -> None:
    code, out, _ = shell("lookahead", "--module", "mine.py", "--bars", 40, "--json")
    answer = json.loads(out)
    (audit,) = answer["audits"]
    assert (code, answer["clean"], audit["kind"], audit["rows"]) == (3, False, "module", 1040)
    assert {f["name"]: f["verdict"] for f in audit["features"]} == {
        "momentum": "clean",
        "centred": "leak",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--features", "full", "--preset", "fast"), "audit one thing at a time"),
        (("--features", "ful"), "did you mean 'full'?"),
        (("--module", "absent.py"), "there is no file 'absent.py'"),
        (("--module", "mine.py", "--book", "x.csv"), "--book is given"),
        (("--preset", "ridge", "--candles", "x.csv"), "--candles is given"),
    ],
)
def test_what_cannot_be_meant(shell, words, said) -> None:
    code, out, err = shell("lookahead", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_own_features_need_no_tensorflow(atb_in, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(
        "import sys\n"
        "def f(candles):\n"
        "    assert not {'tensorflow', 'sklearn'} & sys.modules.keys()\n"
        "    return candles['close']\n"
    )
    done = atb_in("audit", "lookahead", "--module", "mine.py", "--bars", 20, folder=tmp_path)
    assert done.code == 0, done.err


@pytest.mark.slow
def test_the_whole_of_it(atb) -> None:
    everything = atb("audit", "lookahead", "--json")
    assert everything.code == 0
    assert everything.json["clean"]
    planted = atb("audit", "planted", "--json")
    assert planted.code == 0
    assert planted.json["found"] == planted.json["planted"] >= 40
    assert planted.json["false_alarms"] == 0
