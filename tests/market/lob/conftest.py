"""LOBSTER files written by hand: any lines, as folder, pair or zip."""

from __future__ import annotations

import zipfile

import pytest

STEM = "TEST_2012-06-21_34200000_57600000"
STATE = "1000200,10,1000100,20,1000300,30,1000000,40"  # two levels


def event(seconds, kind=1, size=100, price=1000100, direction=1):
    """One line of a message file."""
    return f"{seconds},{kind},7,{size},{price},{direction}"


@pytest.fixture
def write_lobster(tmp_path):
    """Write the lines of a message and an orderbook file; gives the message file's path."""

    def write(messages, states=None, stem=STEM, depth=2, folder=tmp_path / "lob"):
        states = [STATE] * len(messages) if states is None else states
        folder.mkdir(exist_ok=True, parents=True)
        for kind, lines in (("message", messages), ("orderbook", states)):
            text = "".join(f"{line}\n" for line in lines)
            (folder / f"{stem}_{kind}_{depth}.csv").write_text(text)
        return folder / f"{stem}_message_{depth}.csv"

    return write


@pytest.fixture
def zipped(tmp_path):
    """Zip members given by name and text."""

    def pack(members, name="book.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as bundle:
            for member, text in members.items():
                bundle.writestr(member, text)
        return tmp_path / name

    return pack


@pytest.fixture(scope="session")
def goog(market_data):
    """The real ten-level zip: 100,048 events."""
    return market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_10.zip"
