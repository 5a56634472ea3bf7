"""A secret in the environment, an address, a preset or an exception is shown nowhere."""

from __future__ import annotations

import json
import re

import click
import pytest

from atb_cli.main import cli, main

CANARY = "c4n4ry-5e3d9f+A"
ADDRESS = f"https://anna:{CANARY}@example.org"


@pytest.fixture
def said(monkeypatch, capfd, tmp_path):
    """Run a command in an empty folder; its exit code and all it said."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(list(map(str, words)))
        out, err = capfd.readouterr()
        return code, out + err

    return run


def test_an_address_with_a_password_is_refused_without_it(said, tmp_path):
    for words in (
        ["--candles", f"{ADDRESS}/BTCUSDT.csv"],
        ["--source", "file", "--set", f"data.path={ADDRESS}/BTCUSDT.csv"],
        ["--from", f"{ADDRESS}/model"],
        ["--preset", f"{ADDRESS}/fast.yaml"],
        ["--set", f"training.api_key={CANARY}"],
        ["--start", f"token={CANARY}"],
    ):
        code, text = said("train", "model", "BTCUSDT", "--json", "-vv", *words)
        assert code in (2, 3, 4), text
        assert CANARY not in text
        assert "***" in text or "api_key" in text
    assert list(tmp_path.rglob("*.jsonl")) == []


@pytest.mark.parametrize("key", ["api_key", "binance_secret"])
def test_a_preset_that_holds_one_is_refused_without_it(said, tmp_path, key):
    preset = tmp_path / "own.yaml"
    preset.write_text(f"description: mine\n{key}: {CANARY}\n")
    code, text = said("train", "model", "BTCUSDT", "--preset", preset, "-vv")
    assert code == 4
    assert CANARY not in text


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"refused {CANARY}"),
        ConnectionError(f"no answer from {ADDRESS}"),
        OSError(5, "cannot be reached", ADDRESS),
        click.BadParameter(f"{ADDRESS} is no file"),
    ],
)
def test_no_exception_carries_one_out(said, monkeypatch, error):
    monkeypatch.setenv("BINANCE_API_KEY", CANARY)

    def boom():
        raise error

    from atb_cli import options

    monkeypatch.setitem(cli.commands, "boom", options.verbose(click.command("boom")(boom)))
    code, text = said("boom", "-vv")
    assert code != 0
    assert "***" in text
    assert CANARY not in text
    if not isinstance(error, click.ClickException):
        assert re.search(r"Traceback .*boom", text, re.DOTALL)


def test_json_answers_stay_json(said, monkeypatch):
    monkeypatch.setenv("BINANCE_API_KEY", CANARY)
    code, text = said("models", "list", "--json", "--artifacts", "empty")
    assert (code, json.loads(text)) == (0, {"models": []})
