"""A journal that was changed in any way is neither read nor written."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from atb.errors import IntegrityError
from atb.registry import journal
from atb.registry.journal import START, Entry

LINES = 5


def entry(sequence, previous, **changes):
    fields = {
        "sequence": sequence,
        "previous": previous,
        "symbol": "BTCUSDT",
        "at": "2024-01-31T12:00:00Z",
        "by": "ann@desk",
        "action": "promote",
        "model": f"BTCUSDT/fast/2024013{sequence}T120000Z",
        "manifest": "ab" * 32,
        "instead_of": None,
        "why": "it is better;\nso says «Ann»",
        "gates": {"findings": [{"gate": "skill", "value": 1e-9 * sequence}]},
    }
    return Entry(**{**fields, **changes})


def chain(count=LINES):
    entries = []
    for sequence in range(1, count + 1):
        entries.append(entry(sequence, entries[-1].sha256() if entries else START))
    return entries


@pytest.fixture
def written(tmp_path):
    journal.write(tmp_path, chain())
    return tmp_path / journal.NAME


def refused(path, line=None):
    with pytest.raises(IntegrityError) as caught:
        journal.read(path.parent, "BTCUSDT")
    assert caught.value.exit_code == 9
    if line is not None:
        assert caught.value.where == f"{path}:{line}"
    return caught.value


def test_what_was_written_is_read(written):
    assert journal.read(written.parent, "BTCUSDT") == chain()
    assert len(written.read_bytes().splitlines()) == LINES


def test_where_there_is_none_there_are_no_entries(tmp_path: Path):
    assert journal.read(tmp_path, "BTCUSDT") == []


def test_a_longer_journal_begins_with_the_bytes_of_the_shorter(written):
    before = written.read_bytes()
    journal.write(written.parent, chain(LINES + 1))
    assert written.read_bytes().startswith(before)


def test_the_hash_of_a_line_is_that_of_its_bytes(written):
    import hashlib

    one, two, *_ = written.read_bytes().split(b"\n")
    assert json.loads(two)["previous"] == hashlib.sha256(one).hexdigest()


def test_every_flipped_bit_before_the_last_line_is_seen(written):
    whole, draw = written.read_bytes(), random.Random(1)
    last = whole.rindex(b"\n", 0, -1) + 1
    for _ in range(300):
        bit = draw.randrange(8 * last)
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        written.write_bytes(damaged)
        refused(written)


def test_every_cut_within_a_line_is_seen(written):
    whole = written.read_bytes()
    ends = {at + 1 for at, byte in enumerate(whole) if byte == 10}
    for length in range(0, len(whole), 7):
        if length not in ends:
            written.write_bytes(whole[:length])
            refused(written)


@pytest.mark.parametrize("gone", range(LINES - 1))
def test_a_line_that_is_gone_is_missed_where_it_stood(written, gone):
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    assert "the chain is broken" in str(refused(written, gone + 1))


def test_lines_that_changed_places_are_seen(written):
    lines = written.read_bytes().splitlines(keepends=True)
    for one in range(LINES):
        for other in range(one):
            moved = list(lines)
            moved[one], moved[other] = lines[other], lines[one]
            written.write_bytes(b"".join(moved))
            refused(written, other + 1)


def test_a_line_that_was_put_in_or_said_twice_is_seen(written):
    lines = written.read_bytes().splitlines(keepends=True)
    for at in range(LINES + 1):
        for more in (lines[0], lines[-1], b"\n", b"{}\n"):
            written.write_bytes(b"".join([*lines[:at], more, *lines[at:]]))
            refused(written)


def test_a_line_that_was_written_anew_breaks_the_next(written):
    lines = [one.line() for one in chain()]
    lines[1] = entry(2, chain()[0].sha256(), why="another reason").line()
    written.write_bytes(b"\n".join([*lines, b""]))
    refused(written, 3)


def test_the_journal_of_another_symbol_is_not_this_one(written):
    with pytest.raises(IntegrityError, match="its symbol is 'BTCUSDT', not 'ETHUSDT'"):
        journal.read(written.parent, "ETHUSDT")


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 1.0},
        {"sequence": True},
        {"sequence": 0},
        {"previous": None},
        {"action": "demote"},
        {"action": None},
        {"more": 1},
        {"model": ...},
    ],
)
def test_a_line_of_another_form_is_none(written, changes):
    fields = {**entry(1, START).to_json(), **changes}
    kept = {name: value for name, value in fields.items() if value is not ...}
    written.write_text(json.dumps(kept, sort_keys=True) + "\n")
    refused(written, 1)


@pytest.mark.parametrize("text", ["null", "[]", "3", "{", "[" * 100_000, "\0", "\xff"])
def test_what_is_no_entry_is_none(written, text):
    written.write_bytes(text.encode("latin1") + b"\n")
    refused(written, 1)


def test_spaces_and_order_are_part_of_a_line(written):
    for dumped in (
        json.dumps(entry(1, START).to_json(), sort_keys=True, indent=1).replace("\n", ""),
        json.dumps(entry(1, START).to_json()),
        json.dumps(entry(1, START).to_json(), sort_keys=True, ensure_ascii=False),
    ):
        written.write_text(dumped + "\n")
        refused(written, 1)


def test_a_link_is_no_journal(written, tmp_path: Path):
    written.rename(tmp_path / "elsewhere")
    written.symlink_to(tmp_path / "elsewhere")
    assert "no plain file" in str(refused(written))


def test_a_figure_that_is_not_finite_is_not_written(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.write(tmp_path, [entry(1, START, gates={"value": float("nan")})])
    assert not (tmp_path / journal.NAME).exists()


def test_whoever_has_no_name_has_a_number(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    assert "@" in journal.whoever()
    monkeypatch.setattr("getpass.getuser", nameless)
    assert journal.whoever().startswith("uid ")
