"""`atb live`: the promoted model asked at the close of every bar, with a paper account.

Knows no exchange and no model, only what is shown of them: a loop, its view, and who else watches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.events import Listener
    from atb.market.feed import Feed
    from atb.runtime.decision import Status
    from atb.runtime.sources import Name, Source
    from atb_cli.live_view import Show

# Options that mean something to one source alone.
_OWN: Mapping[Name, frozenset[str]] = {
    "binance": frozenset({"sleep_seconds"}),
    "replay": frozenset({"candles", "speed", "from_start"}),
}


@click.command("live")
@click.argument("symbol")
@click.option("--dry-run", is_flag=True, help="On paper; required, since atb sends no orders.")
@click.option(
    "--source",
    type=click.Choice(list(_OWN)),
    help="Bars as they close at the exchange, or bars that were; by default binance, or replay "
    "where an option of a replay is given.",
)
@click.option(
    "--candles",
    type=click.Path(path_type=Path),
    help="File to replay; by default what is stored, or what the model learned from.",
)
@click.option("--iterations", type=click.IntRange(min=1), help="End after so many bars.")
@click.option(
    "--sleep-seconds",
    type=click.FloatRange(min=0.1, max=3600),
    help="Between two questions for a bar that is due; 10 by default.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=1e9),
    help="Of a replay, times the market's pace; 3600 by default.",
)
@click.option(
    "--from-start",
    is_flag=True,
    help="Replay from the first bar, not after what the model learned from; as fast as it can "
    "unless --speed is given.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve /health and /metrics on 127.0.0.1; 0 for any port that is free.",
)
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str,
    dry_run: bool,
    source: Name | None,
    iterations: int | None,
    metrics_port: int | None,
    artifacts: Path,
    as_json: bool,
    **own: Any,
) -> None:
    """Ask the promoted model of SYMBOL at the close of every bar; trade on paper what it says.

    Another model that is promoted, or one that is rolled back to, is taken at the next bar. Each
    decision is written down before it is shown, so that the same command goes on where it was.
    With --json each decision is an object of its own on stdout, before the last line.
    """
    from atb.errors import UsageError
    from atb.interrupt import Interruption
    from atb.runtime import live, sources
    from atb.workspace import Workspace
    from atb_cli import live_view, progress, render

    if not dry_run:
        raise UsageError(
            "atb places no orders",
            remedy="give --dry-run, or attach a bot of your own in Python (atb.runtime.Hook)",
        )
    workspace, wanted = Workspace(artifacts), _source(source, own)
    replay = wanted.name == "replay"
    screen = render.console()
    listen = progress.lines(screen)
    with ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        feed = sources.opened(workspace, symbol, wanted, listen)
        ledger = live.ledger_of(workspace, symbol, replay=replay)
        plan = live.Plan(workspace, ledger, iterations, durable=not replay)
        watchers = _watchers(stack, feed, metrics_port, listen)
        watchers.append(stack.enter_context(live_view.shown(screen, feed, as_json)))
        outcome = live.run(
            plan,
            feed,
            show=_all(watchers),
            listen=listen,
            stop=lambda: interruption.requested,
        )
    live_view.summary(outcome.to_json(), as_json)
    if interruption.requested:
        raise click.Abort


def _source(name: Name | None, given: Mapping[str, Any]) -> Source:
    """Where the bars come from, if what is given goes together."""
    from atb.errors import UsageError
    from atb.runtime.sources import Source

    own = {
        option: value for option, value in given.items() if value is not None and value is not False
    }
    meant: Name = next((one for one, words in _OWN.items() if own.keys() & words), "binance")
    source = name or meant
    for option in own.keys() - _OWN[source]:
        (other,) = (one for one, options in _OWN.items() if option in options)
        raise UsageError(
            f"it is for --source {other}, not {source}",
            where=f"--{option.replace('_', '-')}",
            remedy="leave out one of them",
        )
    return Source(source, **own)


def _watchers(stack: ExitStack, feed: Feed, port: int | None, listen: Listener) -> list[Show]:
    """Whoever watches over HTTP; nobody where there is no port."""
    if port is None:
        return []
    from atb.events import Noted
    from atb.runtime.metrics import Metrics, served

    metrics = Metrics(feed)
    url = stack.enter_context(served(metrics, port))
    listen(Noted(f"watch it at {url}/health and {url}/metrics"))
    return [metrics.show]


def _all(watchers: Sequence[Show]) -> Show:
    """One that shows each status to all of them, in order."""

    def show(status: Status) -> None:
        for watcher in watchers:
            watcher(status)

    return show
