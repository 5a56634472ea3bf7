"""The group of all commands, the one error boundary, the exit codes.

Knows no command's business. Every error ends here as one line on stderr and an exit code; stdout
carries answers only and stays empty when there is none.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence

import click

from atb import __version__
from atb.errors import AtbError, StoppedError, StorageError
from atb.redaction import redacted
from atb_cli.commands import (
    audit,
    backtest,
    cache,
    data,
    dev,
    doctor,
    export,
    live,
    models,
    presets,
    train,
    tune,
)

log = logging.getLogger(__name__)

INTERRUPTED = 130

EPILOG = """\b
Answers go to stdout, everything else to stderr. Exit codes:
  0 done            4 configuration     8 refused, or drifted
  1 a bug in atb    5 diverged          9 integrity
  2 usage or name   6 resources       130 interrupted
  3 data            7 storage
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(__version__, prog_name="atb", message="%(prog)s %(version)s")
def cli() -> None:
    """Train market models, measure them honestly, serve them as ONNX.

    Begin with: atb train model BTCUSDT
    """


for _group in (
    train,
    tune,
    presets,
    data,
    models,
    backtest,
    live,
    audit,
    export,
    cache,
    dev,
    doctor,
):
    cli.add_command(_group.command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: the words after `atb`; None takes those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = cli.main(words, prog_name="atb", standalone_mode=False)
        if sys.stdout is not None:  # it is None when the shell closed it
            sys.stdout.flush()
    except click.ClickException as error:
        _refuse(error)
        return error.exit_code
    except click.Abort:
        _say(f"interrupted: nothing was left half-written; again: {shlex.join(['atb', *words])}")
        return INTERRUPTED
    except AtbError as error:
        log.debug("raised here", exc_info=True)
        _say(str(error) if isinstance(error, StoppedError) else f"error: {error}")
        return error.exit_code
    except BrokenPipeError:
        _close_stdout()
        return 1
    except Exception as error:
        log.info("the traceback", exc_info=True)
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception) -> int:
    """A disk or a right that is refused where nobody asked is the machine's; the rest is a bug."""
    if isinstance(error, OSError) and error.strerror:
        remedy = "check that it may be read and written, and that the disk has space"
        refused = StorageError(error.strerror, where=str(error.filename or ""), remedy=remedy)
        _say(f"error: {refused}")
        return refused.exit_code
    _say(f"bug: {type(error).__name__}: {error}; run it again with -v and report what it says")
    return 1


def _terminated(_number: int, _frame: object) -> None:
    """Leave as Ctrl-C does, so that work in progress is cleaned up."""
    raise KeyboardInterrupt


def _refuse(error: click.ClickException) -> None:
    """One line that ends with where help is; the help itself for a group without a command."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    advice = f" See: {context.command_path} -h" if context else ""
    _say(f"error: {error.format_message()}{advice}")


def _say(message: str) -> None:
    """One line on stderr, whatever the message holds, and no secret."""
    click.echo(redacted(" ".join(line.strip() for line in message.splitlines())), err=True)


def _close_stdout() -> None:
    """Give the dead pipe a substitute, or the interpreter complains once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
