"""`atb train plan`: many models and what is done with them, as a file says.

Knows the order of what is shown; what is done is the business of `atb.plans`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options, tracking

if TYPE_CHECKING:
    from atb.fleet.engine import Engine
    from atb.plans.plan import Plan
    from atb.report.sinks.publish import Sinks


@click.command("plan")
@click.argument("plan", metavar="PLAN|FILE.yaml")
@click.argument("symbols", nargs=-1, metavar="[SYMBOL...]")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be done, how long it may take and what is done already; do nothing.",
)
@options.recipe
@options.jobs("Jobs")
@options.engine
@options.share
@tracking.options
@options.artifacts
@options.as_json
@options.verbose
def command(
    plan: str,
    symbols: tuple[str, ...],
    dry_run: bool,
    assignments: tuple[str, ...],
    jobs: int | None,
    engine: str,
    address: str | None,
    share: str | None,
    tensorboard: str | None,
    mlflow: str | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Carry out a plan: symbols times recipes times seeds, and what is done with the models.

    SYMBOLs are instead of those the plan names. In a folder, or a pattern such as 'DIR/*perp*',
    given as --candles each symbol's file is found by its name. What is done already is not done
    again, and what was interrupted goes on, when the same command is given again. The folder with
    the results is printed on stdout, everything else on stderr.
    """
    from atb.plans import reading

    made = reading.read(plan, symbols, assignments, **fields)
    if dry_run:
        _dry_run(made, jobs, artifacts, as_json)
        return
    sinks = tracking.sinks(tensorboard, mlflow, artifacts)
    carry_out(made, carrier(engine, jobs, address, share, artifacts), artifacts, as_json, sinks)


def carrier(
    engine: str, jobs: int | None, address: str | None, share: str | None, artifacts: Path
) -> Engine:
    """Who carries out the jobs of a plan, as the options say."""
    from atb.fleet.engines import names

    if share is None:
        return names.engine(engine, jobs, address)
    from atb.plans import away  # not earlier: reading libraries takes a second

    return away.connect(engine, jobs, address, share, artifacts)


def carry_out(plan: Plan, engine: Engine, artifacts: Path, as_json: bool, sinks: Sinks) -> None:
    """Do what is not done of a plan, and show what came of it; end as what failed first."""
    from atb_cli import failing, plan_view, progress, render

    plan_view.header(plan)
    from atb.plans.run import run  # after the header: reading libraries takes a second

    with progress.shown() as listen:
        result = run(plan, artifacts=artifacts, engine=engine, listen=listen)
        sinks.publish([Path(one["path"]) for one in result.summary["models"]], listen)
    plan_view.show(result.summary)
    render.answer(result.summary, result.path, as_json)
    failing.end_as(result.failures, len(plan.nodes), of="jobs")


def _dry_run(plan: Plan, jobs: int | None, artifacts: Path, as_json: bool) -> None:
    from atb.plans.estimate import estimate
    from atb_cli import plan_view, progress, render

    with progress.shown() as listen:
        found = estimate(plan, artifacts=artifacts, at_once=jobs, listen=listen)
    if as_json:
        render.json_line(found)
    else:
        render.print_answer(*plan_view.estimated(found))
