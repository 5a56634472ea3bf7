"""Every module opens with what it does; every public thing says what it is for."""

from __future__ import annotations

import ast


def undocumented(source):
    found = [] if ast.get_docstring(source.tree) else [f"{source.place}: the module"]
    return found + [f"{source.place}: {name}" for name in silent(source.tree)]


def silent(parent, prefix=""):
    """Public classes, functions and methods without a docstring; private ones hide theirs."""
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from silent(node, f"{node.name}.")


def test_everything_public_is_documented(package):
    assert [line for source in package for line in undocumented(source)] == []


def test_every_module_postpones_annotations(package):
    code = [source for source in package if len(source.tree.body) > 1]
    assert [s.place for s in code if "__future__" not in s.imported()] == []


def test_silence_is_found(parse):
    text = (
        '"""A module."""\nclass C:\n    """A class."""\n    def f(self): ...\n    def _g(self): ...'
    )
    assert undocumented(parse(text)) == ["planted.py: C.f"]
    assert undocumented(parse("def f():\n    '''Say.'''")) == ["planted.py: the module"]
