"""Every source file of the package, parsed once, and what the rules of the house ask of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its place under the root, its text and its syntax tree."""

    place: str
    text: str
    tree: ast.Module

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Every node of these kinds, anywhere in the file."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imported(self) -> set[str]:
        """Dotted names of the modules imported anywhere in the file."""
        names: set[str] = set()
        for node in self.nodes(ast.Import, ast.ImportFrom):
            if isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
            elif isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
        return names

    def called(self) -> Iterator[tuple[str, int]]:
        """Each called name as written (`print`, `yaml.load`) and its line."""
        for node in self.nodes(ast.Call):
            assert isinstance(node, ast.Call)
            yield ast.unparse(node.func), node.lineno

    def at(self, line: int) -> str:
        """`place:line`, for messages."""
        return f"{self.place}:{line}"


def parse(text: str, place: str = "planted.py") -> Source:
    """A source from its text."""
    return Source(place, text, ast.parse(text))


@pytest.fixture(scope="session", name="parse")
def _parse() -> object:
    """The function that makes a source from text, to plant violations with."""
    return parse


@pytest.fixture(scope="session")
def root() -> Path:
    """The source checkout."""
    return ROOT


@pytest.fixture(scope="session")
def package() -> list[Source]:
    """Every file of the library and the shell."""
    files = [
        path for part in ("src/atb", "cli/atb_cli") for path in sorted((ROOT / part).rglob("*.py"))
    ]
    return [parse(path.read_text(), path.relative_to(ROOT).as_posix()) for path in files]
