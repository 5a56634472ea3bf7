"""Files, functions and signatures stay small enough to be read in one go."""

from __future__ import annotations

import ast

FILE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 8


def oversized(source):
    found = []
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        found.append(f"{source.place}: {lines} lines")
    for function in source.functions():
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LINES:
            found.append(f"{source.at(function.lineno)}: {function.name} has {length} lines")
        if parameters(function) > PARAMETERS and not is_command(function):
            found.append(
                f"{source.at(function.lineno)}: {function.name} takes {parameters(function)}"
            )
    return found


def parameters(function):
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in every)


def is_command(function):
    """Whether a decorator such as `@group.command("name")` makes it a command of the shell."""
    return any(".command" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_everything_is_small(package):
    assert [line for source in package for line in oversized(source)] == []


def test_most_files_have_50_to_300_lines_or_fewer(package):
    long = [source.place for source in package if source.text.count("\n") > 300]
    assert len(long) <= 0.05 * len(package), long


def test_what_is_too_large_is_found(parse):
    body = "    pass\n" * FUNCTION_LINES
    many = ", ".join(f"p{i}" for i in range(PARAMETERS + 1))
    assert oversized(parse("x = 1\n" * (FILE_LINES + 1))) == ["planted.py: 401 lines"]
    assert oversized(parse(f"def f():\n{body}")) == ["planted.py:1: f has 61 lines"]
    assert oversized(parse(f"def f({many}): ...")) == ["planted.py:1: f takes 9"]
    assert oversized(parse(f"@group.command('f')\ndef f({many}): ...")) == []
    assert oversized(parse(f"class C:\n    def f(self, {many[4:]}): ...")) == []
