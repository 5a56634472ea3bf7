"""`atb dev`: the checks a change must pass, in one command.

Runs the project's tools as they are configured in pyproject.toml and knows nothing of their rules.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click

from atb_cli import options

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"
STEPS = {
    "format": ["-m", "ruff", "format", "--check", "."],
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", LINT_IMPORTS],
    "tests": ["-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile"],
}
FIXES = {
    "format": ["-m", "ruff", "format", "."],
    "lint": ["-m", "ruff", "check", "--fix", "."],
}


@click.group("dev")
def command() -> None:
    """Work on atb itself, from its source checkout."""


@command.command("quality")
@click.option("--fix", is_flag=True, help="Format and mend what can be mended first.")
@options.verbose
def quality(fix: bool) -> None:
    """Check format, lint, types, import rules and the fast tests; exit 1 if any fails."""
    root = _checkout()
    steps = STEPS | FIXES if fix else STEPS
    results = {name: _run(name, words, root) for name, words in steps.items()}
    for name, (code, seconds) in results.items():
        click.echo(f"{'ok' if code == 0 else 'FAILED':<7} {name:<8} {seconds:6.1f} s")
    failed = [name for name, (code, _) in results.items() if code]
    total = sum(seconds for _, seconds in results.values())
    click.echo(f"{len(results) - len(failed)} of {len(results)} passed in {total:.1f} s")
    if failed:
        raise click.exceptions.Exit(1)


def _run(name: str, words: list[str], root: Path) -> tuple[int, float]:
    """Run one tool with its output on stderr; its exit code and seconds."""
    click.echo(f"--- {name}", err=True)
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=root, stdout=sys.stderr, check=False)  # noqa: S603 (fixed words)
    return done.returncode, time.perf_counter() - begin


def _checkout() -> Path:
    """The folder with pyproject.toml that this package is installed from, editable.

    Raises:
        UsageError: when the package is installed without its source.
    """
    import atb
    from atb.errors import UsageError

    root = Path(atb.__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file() or not (root / "tests").is_dir():
        raise UsageError(
            "atb is installed without its source checkout",
            where=str(root),
            remedy="clone the repository and install it with: pip install -e '.[dev]'",
        )
    return root
