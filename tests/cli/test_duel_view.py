"""Two backtests side by side, as people see them."""

from __future__ import annotations

from atb_cli import duel_view, render

TRADED = {"first": "2024-01-01T00:00:00Z", "last": "2024-02-01T00:00:00Z", "bars": 744}


def found(sharpe):
    mean = {"first": 0.001, "second": 0.002, "estimate": -0.001, "low": -0.002, "high": 0.0005}
    one = {**TRADED, "model": "a/b/v1", "total_return": 0.123, "sharpe": None, "trades": 7}
    return {
        "rows": 745,
        "a": {**one, "trading": {"fee": 1.0}, "buy_and_hold": {"trades": 1}},
        "b": {**one, "model": "a/c/v2", "total_return": -0.05},
        "comparison": {
            "steps": 744,
            "block": 30,
            "mean": mean,
            "sharpe": mean if sharpe else None,
            "verdict": "no evidence that either earns more",
        },
    }


def shown(capsys, **changes):
    render.print_answer(*duel_view.tables(found(**changes)))
    return capsys.readouterr().out


def test_figures_stand_side_by_side_and_the_verdict_last(capsys):
    out = shown(capsys, sharpe=True)
    rows = [line.split() for line in out.splitlines()]
    assert ["total_return", "12.30%", "-5.00%"] in rows
    assert ["sharpe", "-", "-"] in rows and ["trades", "7", "7"] in rows
    assert "745 rows that both predict, 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z" in out
    assert "-0.002 to +0.0005" in out and "Sharpe ratio" in out
    assert rows[-3:-1] == [["A", "a/b/v1"], ["B", "a/c/v2"]]
    assert "no evidence that either earns more" in out.splitlines()[-1]
    assert "trading" not in out and "buy_and_hold" not in out


def test_a_sharpe_ratio_that_is_not_there_is_not_shown(capsys):
    assert "Sharpe ratio" not in shown(capsys, sharpe=False)
