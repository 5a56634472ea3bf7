from __future__ import annotations

from pathlib import Path

import pytest

from atb.errors import ConfigError, StorageError, UsageError
from atb.strict_yaml import assignment, load, parse, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-3", 0.002),
        ("1E5", 100000.0),
        ("-4", -4),
        ("1.", 1.0),
        ("true", True),
        ("ON", "ON"),
        ("no", "no"),
        ("12:30:00", "12:30:00"),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("2024-01-31", "2024-01-31"),
        ("[1, 2]", [1, 2]),
        ("null", None),
    ],
)
def test_scalars_mean_what_they_say(text: str, value: object) -> None:
    read = scalar(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("costs", "'costs' is no assignment; write it as a=1"),
        ("=3", "'=3' is no assignment"),
        (" =3", "' =3' is no assignment"),
        ("a=[1", r"--set a=\[1: is no valid YAML: .*; quote it"),
        ("a=&x 1", "--set a=&x 1: anchors, aliases and tags"),
    ],
)
def test_what_is_no_assignment_is_a_word_of_the_command_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        assignment(text, "a=1")


def test_an_assignment_has_one_field_and_the_rest_is_its_value() -> None:
    assert assignment("a.b=c=d", "") == ("a.b", "c=d")
    assert assignment("a=", "") == ("a", None)


def test_every_key_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  c: 2\n\n  d: {e: 3}\n")
    assert document.content == {"a": 1, "b": {"c": 2, "d": {"e": 3}}}
    assert document.lines == {"a": 1, "b": 2, "b.c": 3, "b.d": 5, "b.d.e": 5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"p\.yaml:3: the key 'a' stands in line 1 already"),
        ("a: &x 1\nb: *x", r"p\.yaml:1: anchors, aliases and tags"),
        ("a: !!python/object:os.system 1", r"p\.yaml:1: anchors, aliases and tags"),
        ("a: [1, 2", r"p\.yaml:1.*no valid YAML"),
        ("a: 1\n b: 2", r"p\.yaml:2.*no valid YAML"),
        ("- 1\n- 2", r"p\.yaml: holds no mapping"),
        ("", r"p\.yaml: holds no mapping"),
        ("a: " + "[" * 5000, r"p\.yaml: is nested too deeply"),
        ("\x00", r"p\.yaml: is no valid YAML"),
    ],
)
def test_what_has_two_meanings_or_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text, where="p.yaml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot read"):
        load(tmp_path / "none.yaml")
    with pytest.raises(StorageError, match="cannot read"):
        load(tmp_path)
    (tmp_path / "a.yaml").write_bytes("a: ü".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(tmp_path / "a.yaml")
