"""Takes secrets out of text before anybody sees it: errors, logs, event logs, what is on screen.

A secret is a password or token in an address, what follows the name of one (`api_key=...`, an
authorization header), and the value of an environment variable whose name says that it is one.
Knows nothing of who writes the text.
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from urllib.parse import quote

HIDDEN = "***"
LEAST_CHARACTERS = 8  # a shorter value of a variable is hidden nowhere: it would hide common words

_VARIABLE = re.compile(
    r"(?:(?:^|_)(?:KEY|PASS)|(?:API|ACCESS|SECRET|PRIVATE)KEY|TOKEN|SECRET|PASSWORD|PASSWD"
    r"|PASSPHRASE)(?:_?[0-9]+)?$"
)
_NAME = (
    r"""(?:(?:api|access|secret|private)[_-]?key|token|secret|passw(?:or)?d|pwd|passphrase"""
    r"""|credentials?|signature|[?&]key|[?&]sig)["']?\s*[=:]\s*"""
)
_SHAPES = (
    re.compile(  # scheme://user:password@, and where the password has a / in it
        r"([a-z][a-z0-9+.-]{0,20}:/{1,2})(?:[^\s/:@]*:(?![0-9]+/)\S{1,64}|[^\s/]+)(?=@)",
        re.IGNORECASE,
    ),
    re.compile(r"()(?<![\w.+-])[\w.+-]{1,64}:[^\s/@'\"]{1,64}(?=@[\w\[])"),  # user:password@
    re.compile(
        r"""(\bauthorization["']?\s*[=:]\s*["']?(?:\w+\s+)?)[^\s"',;]+""",
        re.IGNORECASE,
    ),
    re.compile(r"(\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(rf"""({_NAME}(["']))(?:\\.|(?!\2)[^\\\n])+""", re.IGNORECASE),
    re.compile(rf"""({_NAME})[^\s"'&,;)}}\]]+""", re.IGNORECASE),
)


def redacted(text: str) -> str:
    """The text with `***` in place of every secret.

    >>> redacted("no answer from https://anna:hunter2@example.org/?token=1f2e")
    'no answer from https://***@example.org/?token=***'
    """
    for value in _values():
        text = text.replace(value, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(rf"\g<1>{HIDDEN}", text)
    return text


class Stream(io.TextIOWrapper):
    """A stream that tracebacks and other people's libraries may write to: no secret gets through.

    Each call must bring whole lines, as logging and `traceback` do.
    """

    def write(self, text: str, /) -> int:
        """Write the text without its secrets."""
        return super().write(redacted(text))


class Formatter(logging.Formatter):
    """Formats log records, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines of a record."""
        return redacted(super().format(record))


def _values() -> Iterator[str]:
    """Secrets of the environment and each of their lines, the longest first: one may hold another.

    As they are, as an address spells them, and as Python quotes them.
    """
    lines = {
        line.strip()
        for name, value in os.environ.items()
        if _VARIABLE.search(name.upper())
        for line in value.splitlines()
    }
    for line in sorted(lines, key=len, reverse=True):
        if len(line) >= LEAST_CHARACTERS:
            yield from (line, quote(line, safe=""), repr(line)[1:-1])
