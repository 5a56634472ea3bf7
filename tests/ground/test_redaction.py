from __future__ import annotations

import io
import logging
import os
import sys
import time
import traceback

import pytest

from atb.errors import AtbError, StoppedError
from atb.redaction import Formatter, Stream, redacted

CANARY = "c4n4ry-5e3d/9f+A"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://anna:hunter2@example.org/x", "https://***@example.org/x"),
        ("https:/anna:hunter2@example.org/x", "https:/***@example.org/x"),  # as a Path spells it
        ("postgresql+pg://a:b@c@host:5432/db", "postgresql+pg://***@host:5432/db"),
        ("https://token@example.org", "https://***@example.org"),
        ("/klines?symbol=BTC&signature=1f2e&limit=5", "/klines?symbol=BTC&signature=***&limit=5"),
        ("api_key=1f2e, then", "api_key=***, then"),
        ("{'X-MBX-APIKEY': '1f2e'}", "{'X-MBX-APIKEY': '***'}"),
        ('"client_secret": "1f2e"}', '"client_secret": "***"}'),
        ("Authorization: Basic YTpi", "Authorization: Basic ***"),
        ("Authorization: 1f2e", "Authorization: ***"),
        ("it said Bearer eyJhbGciOi.J9", "it said Bearer ***"),
        ("password: hunter2; try again", "password: ***; try again"),
        ("{'password': 'two words, one'}, then", "{'password': '***'}, then"),
        (r'"passphrase": "a \" b", "x": 1', '"passphrase": "***", "x": 1'),
        ("https://anna:hun/ter2@example.org/x", "https://***@example.org/x"),
        ("invalid address 'anna:hunter2@10.0.0.5:8786'", "invalid address '***@10.0.0.5:8786'"),
        ("/geo?limit=5&key=1f2e&sig=1f2e", "/geo?limit=5&key=***&sig=***"),
        ("pwd=1f2e credentials: 1f2e", "pwd=*** credentials: ***"),
    ],
)
def test_secrets_are_known_by_where_they_stand(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "artifacts/models/BTCUSDT/fast/20260101T000000Z-1a2b3c4d",
        "https://data.binance.vision/data/spot/monthly/klines/BTCUSDT/1h/x.zip",
        "unknown key: window; did you mean 'windows'?",
        "user@host wrote 3:/4 of it",
        "models: 3, at 12:30 @ 4, from anna@example.org:22",
        "http://127.0.0.1:5000/experiments/anna@example.org",
        "monkey=7, its key=5 and sig=3",
        "epoch 1/3  loss 0.50000  validation 0.75000",
        "the token that was expected, a bearer of news, basic features",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "name",
    ["BINANCE_API_KEY", "HF_TOKEN", "MLFLOW_TRACKING_PASSWORD", "KEY", "PGPASSWORD", "APIKEY_2"],
)
def test_values_of_the_environment_are_hidden_wherever_they_are(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, CANARY)
    assert redacted(f"refused {CANARY}, sent c4n4ry-5e3d%2F9f%2BA") == "refused ***, sent ***"


def test_a_value_that_begins_another_leaves_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", CANARY)
    monkeypatch.setenv("B_TOKEN", f"{CANARY}-and-more")
    assert redacted(f"{CANARY}-and-more, {CANARY}") == "***, ***"


def test_a_value_of_several_lines_is_hidden_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "-----BEGIN-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n")
    assert redacted("read BgkqhkiG9w0B of -----BEGIN----- MIIEvQIBADAN") == "read *** of *** ***"


def test_a_value_is_hidden_as_python_quotes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunt\\er'2\"x")
    assert redacted(f"got {os.environ['HF_TOKEN']!r}") == "got '***'"


@pytest.mark.parametrize(
    ("name", "value"), [("KEYBOARD", CANARY), ("MONKEY", CANARY), ("HF_TOKEN", "balance")]
)
def test_other_values_of_the_environment_stay(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert redacted(value) == value


def test_an_error_holds_no_secret_from_its_birth() -> None:
    text = "https://anna:hunter2@example.org"
    error = StoppedError(text, where=text, remedy=text)
    assert "hunter2" not in f"{error!r} {error} {error.args} {vars(error)}"
    assert error.what == error.where == error.remedy == "https://***@example.org"
    assert AtbError("no secret").args == ("no secret",)


def test_a_logged_traceback_holds_none_either() -> None:
    try:
        raise ValueError("token=hunter2")
    except ValueError:
        record = logging.LogRecord("atb", 20, "x", 1, "at %s", ("a://b:c@d",), sys.exc_info())
    said = Formatter("%(levelname)s %(message)s").format(record)
    assert said.startswith("INFO at a://***@d\nTraceback")
    assert said.endswith("ValueError: token=***")


def test_a_stream_lets_no_traceback_carry_one_through() -> None:
    written = io.BytesIO()
    stream = Stream(written, write_through=True)
    try:
        raise ValueError("at a://b:c@d")
    except ValueError:
        traceback.print_exc(file=stream)
    said = written.getvalue().decode()
    assert said.startswith("Traceback") and said.endswith("ValueError: at a://***@d\n")


def test_long_text_takes_no_long_time() -> None:
    began = time.monotonic()
    for piece in ("a", "a:/", "token ", "https://", "@", "a@"):
        redacted(piece * 40_000)
    assert time.monotonic() - began < 5
