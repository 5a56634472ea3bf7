"""YAML read strictly: one meaning for each text, and the line of every key.

YAML 1.1 reads `2e-3` as text and `ON` as true; here numbers are numbers, only `true` and `false`
are booleans, and anchors, aliases, tags and repeated keys are refused. It knows nothing of presets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from atb.errors import ConfigError, StorageError, UsageError

MAX_BYTES = 1_000_000


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with the scalar types of YAML 1.2's core schema."""


_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"^(?:{_pattern})$"),
        [*_first, ""] if _tag == "null" else list(_first),
    )


@dataclass(frozen=True)
class Document:
    """A parsed mapping and the line, from 1, of each of its dotted keys."""

    content: dict[str, Any]
    lines: Mapping[str, int]


def load(path: Path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises:
        StorageError: when the file cannot be read.
        ConfigError: when it is no strict YAML mapping, naming file and line.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise StorageError(
            f"cannot read: {error.strerror}", where=str(path), remedy="check the path"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES} bytes", where=str(path))
    try:
        return parse(raw.decode("utf-8"), where=str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text ({error.reason})", where=str(path)) from error


def parse(text: str, where: str = "text") -> Document:
    """Parse strict YAML text; see `load`.

    >>> parse("training: {learning_rate: 2e-3}").content
    {'training': {'learning_rate': 0.002}}
    """
    try:
        return _parse(text, where)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(
            f"is no valid YAML: {error.problem}",
            where=f"{where}:{line}",
            remedy="correct that line",
        ) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=where, remedy="flatten it") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"is no valid YAML: {error}".replace("\n", " "), where=where) from error


def scalar(text: str) -> Any:
    """One value as it would be read in a file: `3`, `2e-3`, `true`, `[1, 2]`, text."""
    return parse(f"value: {text}", where=text).content["value"]


def assignment(text: str, example: str) -> tuple[str, Any]:
    """Field and value of `field=value`, as `--set` takes it.

    Args:
        text: what was given.
        example: of how to write one.

    Raises:
        UsageError: when it is none, or the value is no YAML.

    >>> assignment("costs.sell_fee = 5", "")
    ('costs.sell_fee', 5)
    """
    dotted, separator, value = text.partition("=")
    if not separator or not dotted.strip():
        raise UsageError(f"{text!r} is no assignment", remedy=f"write it as {example}")
    try:
        return dotted.strip(), scalar(value)
    except ConfigError as error:
        raise UsageError(error.what, where=f"--set {text}", remedy="quote it") from error


def _parse(text: str, where: str) -> Document:
    _refuse_references(text, where)
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError("holds no mapping of keys to values", where=where)
        lines: dict[str, int] = {}
        _walk(node, "", lines, where)
        return Document(loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _refuse_references(text: str, where: str) -> None:
    for token in yaml.scan(text, Loader=_StrictLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
            raise ConfigError(
                "anchors, aliases and tags are not allowed",
                where=f"{where}:{token.start_mark.line + 1}",
                remedy="write the value out",
            )


def _walk(node: yaml.MappingNode, prefix: str, lines: dict[str, int], where: str) -> None:
    for key, value in node.value:
        dotted = f"{prefix}{key.value}"
        line = key.start_mark.line + 1
        if dotted in lines:
            raise ConfigError(
                f"the key {dotted!r} stands in line {lines[dotted]} already",
                where=f"{where}:{line}",
                remedy="keep one of them",
            )
        lines[dotted] = line
        if isinstance(value, yaml.MappingNode):
            _walk(value, f"{dotted}.", lines, where)
