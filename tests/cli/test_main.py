"""Every way a command can end has its exit code and its one line."""

from __future__ import annotations

import errno
import shlex
import subprocess

import click
import pytest

from atb import __version__, errors
from atb_cli.main import cli, main


@pytest.fixture
def ending(monkeypatch, capfd):
    """Run a command `boom` that raises an error; its exit code and streams."""

    def run(error, *words):
        def boom(**_):
            raise error

        option = click.Option(["-v", "--verbose"], count=True)
        monkeypatch.setitem(cli.commands, "boom", click.Command("boom", None, boom, [option]))
        code = main(["boom", *words])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.DataError, 3),
        (errors.SourceUnavailableError, 3),
        (errors.ConfigError, 4),
        (errors.DivergedError, 5),
        (errors.ResourceError, 6),
        (errors.StorageError, 7),
        (errors.GateRefusedError, 8),
        (errors.IntegrityError, 9),
    ],
)
def test_an_error_is_one_line_and_its_code(ending, kind, code):
    error = kind("close is\nNaN", where="a.csv:7", remedy="remove the row")
    assert ending(error) == (code, "", "error: a.csv:7: close is NaN; remove the row\n")


def test_an_interrupt_says_how_to_go_on(ending):
    code, out, err = ending(KeyboardInterrupt(), "-v")
    assert (code, out) == (130, "")
    assert err.strip() == "interrupted: nothing was left half-written; again: atb boom -v"


def test_a_bug_is_named_as_one(ending):
    code, out, err = ending(ZeroDivisionError("division by zero"))
    assert (code, out) == (1, "")
    assert err.startswith("bug: ZeroDivisionError: division by zero; run it again with -v")
    assert "Traceback" not in err


def test_what_the_disk_refuses_is_no_bug(ending):
    advice = "check that it may be read and written, and that the disk has space"
    refused = PermissionError(errno.EACCES, "Permission denied", "promoted.json")
    assert ending(refused) == (7, "", f"error: promoted.json: Permission denied; {advice}\n")
    full = OSError(errno.ENOSPC, "No space left on device")
    assert ending(full) == (7, "", f"error: No space left on device; {advice}\n")
    assert ending(OSError("a library's own"))[0] == 1


def test_a_usage_error_of_the_parser(capfd):
    assert main(["presets", "show"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "error: Missing argument 'NAME|FILE.yaml'. See: atb presets show -h\n"


def test_a_choice_that_is_missing_is_one_line_without_tabs(capsys):
    assert main(["train", "ensemble", "BTCUSDT"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "Missing option '--kind'. Choose from: seed, voting, stacking" in line


def test_a_command_that_is_none(capfd):
    assert main(["trian"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: No such command 'trian'.")
    assert err.count("\n") == 1


def test_a_group_alone_shows_its_help(capfd):
    assert main(["train"]) == 2
    assert "Commands:" in capfd.readouterr().err


def test_a_misspelt_option_is_answered_with_the_right_one(atb):
    done = atb("train", "model", "BTCUSDT", "--epoch", "3")
    assert done.code == 2
    assert done.err.startswith("error: No such option '--epoch'.")
    assert "--epochs" in done.said


def test_version(atb):
    done = atb("--version")
    assert (done.code, done.out) == (0, f"atb {__version__}\n")


def test_a_closed_pipe_is_quiet(tmp_path, atb_words):
    command = shlex.join(atb_words)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} presets show fast | true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("words", [["--help"], ["train", "model", "-h"], ["data", "fetch", "-h"]])
def test_help(atb, words):
    done = atb(*words)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: atb")


def test_every_command_has_help():
    def commands(group, path):
        for name, member in group.commands.items():
            if isinstance(member, click.Group):
                yield from commands(member, [*path, name])
            else:
                yield [*path, name], member

    for path, command in commands(cli, []):
        assert command.help, path
        assert all(o.help for o in command.params if isinstance(o, click.Option)), path
