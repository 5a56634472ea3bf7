"""Tables of a verdict on quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.evaluation.metric import Evidence
from atb.evaluation.tails import Distribution, judge
from atb.report.tail_tables import tables, words


@pytest.fixture(scope="module")
def judged() -> dict[str, Any]:
    """200 outcomes, of which 4 lie below the first quantile."""
    labels = np.concatenate([np.linspace(-1, 1, 100), np.linspace(-1, 1, 200)])
    rows = np.arange(300)
    evidence = Evidence(labels + 10, labels, rows[:100], rows[100:], 1)
    said = np.tile([-0.965, 0.0, 0.95], (200, 1))
    distribution = Distribution((0.02, 0.5, 0.98), said, np.full((200, 1), -0.99))
    return {"tails": judge(distribution, evidence, 1).to_json()}


def test_each_table_has_a_row_for_what_it_is_of(judged: dict[str, Any]) -> None:
    found = {title: (headings, rows) for title, headings, rows in tables(judged["tails"])}
    quantiles, risk, intervals = found.values()
    assert [row[0] for row in quantiles[1]] == ["2.0%", "50.0%", "98.0%"]
    assert [row[:3] for row in risk[1]] == [
        ("2.0%", "model", "2.00% of 200"),
        ("", "naive", "2.00% of 200"),
    ]
    assert risk[1][0][3] == "p = 1.00"  # as many as promised
    assert risk[1][0][4] == "p < 0.001"  # one after the other
    assert intervals[1][0][:2] == ("96.0%", "95.5%")
    for headings, rows in found.values():
        assert all(len(row) == len(headings) for row in rows)


def test_the_verdict_is_a_line_of_its_own(judged: dict[str, Any]) -> None:
    assert list(words(judged)) == [("tails", judged["tails"]["verdict"])]
    assert list(words({})) == []
