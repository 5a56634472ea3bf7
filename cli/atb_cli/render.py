"""What people and programs are shown: tables, lines and the JSON object.

Knows rich and the two streams, nothing of models: an answer is for stdout, everything around it
for stderr. Colour follows NO_COLOR; widths follow the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import click
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from atb.redaction import redacted

PIPE_WIDTH = 1000


def console(stream: TextIO | None = None) -> Console:
    """A console on stderr, or on the stream given; text is shown as it is, never as markup."""
    out = sys.stderr if stream is None else stream
    width = None if out.isatty() else PIPE_WIDTH
    return Console(file=out, width=width, markup=False, highlight=False, emoji=False)


def json_line(content: Mapping[str, Any]) -> None:
    """An answer for programs: one JSON object on one line of stdout.

    Raises:
        ValueError: when a number in it is not finite, since JSON has no name for it.
    """
    click.echo(json.dumps(content, allow_nan=False))


def answer(content: Mapping[str, Any], path: object, as_json: bool) -> None:
    """What was made, on stdout: everything for programs, or else where it lies."""
    if as_json:
        json_line(content)
    else:
        click.echo(path)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under the names of their columns."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell(value)) for value in row))
    return made


def titled(title: str, made: Table) -> Group:
    """A table under a title that may be wider than it."""
    return Group(Text(title, style="bold"), made)


def pairs(rows: Iterable[tuple[str, Any]]) -> Table:
    """Names and values side by side."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, Text(cell(value)))
    return made


def print_answer(*made: RenderableType) -> None:
    """Tables that are themselves the answer, on stdout, with a line between them."""
    for index, part in enumerate(made):
        console(sys.stdout).print(*([""] if index else []), part, sep="\n")


def cell(value: Any) -> str:
    """One value for people: four significant digits, a dash for nothing, no secret."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(member) for member in value)
    return redacted(str(value))


def loudly(message: str) -> None:
    """A line on stderr that cannot be overlooked."""
    console().print(Text(f" {message} ", style="bold black on yellow"))
