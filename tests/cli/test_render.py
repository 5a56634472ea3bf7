"""Tables and lines survive narrow terminals, pipes, brackets and NO_COLOR."""

from __future__ import annotations

import io
import json
import re

import pytest

from atb_cli import render


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def printed(made, stream, monkeypatch, **environment):
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    render.console(stream).print(made)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (0.0, "0"),
        (0.123456, "0.1235"),
        (-1.5e-7, "-1.5e-07"),
        (19500.126, "19,500.13"),
        (7, "7"),
        ([48, 96], "48, 96"),
        ((), ""),
        ("[red]x", "[red]x"),
    ],
)
def test_cell(value, text):
    assert render.cell(value) == text


def test_json_is_one_line_of_stdout(capsys):
    render.json_line({"a": [1, 2], "b": {"c": None}, "d": "x\ny"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": [1, 2], "b": {"c": None}, "d": "x\ny"}


def test_json_refuses_what_json_cannot_say():
    with pytest.raises(ValueError, match="not JSON compliant"):
        render.json_line({"a": float("nan")})


def test_a_pipe_gets_whole_rows_without_colour(monkeypatch):
    made = render.table(("name", "value"), [("x" * 200, 1.5)])
    text = printed(made, io.StringIO(), monkeypatch)
    assert "x" * 200 in text
    assert "\x1b" not in text


def test_brackets_are_shown_as_they_are(monkeypatch):
    made = render.table(("a",), [("[bold]path[/x]",)])
    assert "[bold]path[/x]" in printed(made, io.StringIO(), monkeypatch)


def test_a_narrow_terminal_folds_and_keeps_every_character(monkeypatch):
    made = render.table(("name", "value"), [("abcdefghijklmnopqrstuvwxyz", 12345)])
    text = printed(made, Terminal(), monkeypatch, COLUMNS="20")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(len, lines)) <= 20
    letters = "".join(line.split()[0] for line in lines[2:])
    assert letters == "abcdefghijklmnopqrstuvwxyz"


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    made = render.pairs([("name", "value")])
    assert "\x1b[1m" in printed(made, Terminal(), monkeypatch)
    coloured = printed(render.Text("x", style="red"), Terminal(), monkeypatch)
    plain = printed(render.Text("x", style="red"), Terminal(), monkeypatch, NO_COLOR="1")
    assert "\x1b[31m" in coloured
    assert "\x1b[31m" not in plain
