"""What people see of a drift."""

from __future__ import annotations

from dataclasses import asdict

from atb.monitor.drift import Column
from atb_cli.commands import models_drift


def test_the_title_counts_the_rows_seen_though_fewer_outcomes_are_known(capsys):
    columns = [
        Column(part, name, rows, 10.0, 0.5, 0.4, 1e-6, 1e-5, 0.01, state)
        for part, name, rows, state in (
            ("residual", "residual", 480, "drifted"),
            ("feature", "rsi_14", 500, "stable"),
        )
    ]
    found = {
        "columns": [asdict(column) for column in columns],
        "errors": None,
        "verdict": "drifted: residual",
        "first": "2024-01-01T00:00:00Z",
        "last": "2024-01-21T19:00:00Z",
        "changed": None,
    }
    models_drift._show(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "500 rows, 2024-01-01T00:00:00Z to 2024-01-21T19:00:00Z"
    assert [line.split()[0] for line in lines[3:5]] == ["residual", "rsi_14"]
    assert lines[-1].split() == ["verdict", "drifted:", "residual"]
