"""No swallowed errors, no pickles, no prints, no promises left in comments."""

from __future__ import annotations

import ast
import re

import pytest

BOUNDARY = "cli/atb_cli/main.py"
OPTIONAL = "src/atb/extras.py"
BROAD = {"", "Exception", "BaseException"}
MISSING = {"ImportError", "ModuleNotFoundError"}
CODE_IN_DATA = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
CALLS = {"print", "eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load"}
PROMISE = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b|\bTODO\b")


def caught(handler):
    """Names of the exceptions a handler catches; one empty name when it names none."""
    if handler.type is None:
        return {""}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rsplit(".", 1)[-1] for kind in kinds}


def misbehaved(source):
    found = []
    for handler in source.nodes(ast.ExceptHandler):
        names = caught(handler)
        if names & BROAD and source.place != BOUNDARY:
            found.append(f"{source.at(handler.lineno)}: broad except")
        if names & MISSING and source.place != OPTIONAL:
            found.append(f"{source.at(handler.lineno)}: except ImportError")
    found += [
        f"{source.place}: imports {module}"
        for module in source.imported()
        if module.split(".")[0] in CODE_IN_DATA
    ]
    found += [f"{source.at(line)}: {name}()" for name, line in source.called() if name in CALLS]
    for number, line in enumerate(source.text.splitlines(), 1):
        if PROMISE.search(line):
            found.append(f"{source.at(number)}: {line.strip()}")
    return found


def test_the_package_behaves(package):
    assert [line for source in package for line in misbehaved(source)] == []


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept Exception: ...",
        "try: f()\nexcept: ...",
        "try: f()\nexcept (ValueError, BaseException): ...",
        "try: import rich\nexcept ImportError: ...",
        "import pickle",
        "from joblib import load",
        "def f():\n    import dill.source",
        "print('x')",
        "eval('1')",
        "yaml.load(text)",
        "x = 1  # TODO later",
    ],
)
def test_a_planted_violation_is_found(parse, text):
    assert len(misbehaved(parse(text))) == 1


def test_the_boundary_may_catch_all(parse):
    assert misbehaved(parse("try: f()\nexcept Exception: ...", BOUNDARY)) == []
    assert misbehaved(parse("try: f()\nexcept ImportError: ...", OPTIONAL)) == []
    assert misbehaved(parse("try: f()\nexcept ValueError: ...")) == []


def test_there_is_one_broad_except_in_the_whole_package(package):
    broad = [
        source.place
        for source in package
        for handler in source.nodes(ast.ExceptHandler)
        if caught(handler) & BROAD
    ]
    assert broad == [BOUNDARY]
