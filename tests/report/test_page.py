"""The page says what was found, whole, and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atb import extras
from atb.config.targets import (
    DirectionTarget,
    ReturnTarget,
    TernaryTarget,
    TripleBarrierTarget,
    VolatilityTarget,
)
from atb.errors import ResourceError
from atb.evaluation.baselines import title
from atb.evaluation.trials import TRIALS
from atb.report import page, record, trust

VOID = {"meta", "line"}


class Structure(HTMLParser):
    """Which tags are open, and the text of every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.loads += [v for k, v in attrs if k in ("src", "href", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def written(run, tmp_path: Path) -> tuple[str, Structure]:
    page.write(run, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    structure = Structure()
    structure.feed(text)
    assert structure.open == []
    return text, structure


EVERY_TARGET = [
    ReturnTarget(),
    DirectionTarget(),
    TernaryTarget(horizon=(1, 5)),
    TripleBarrierTarget(horizon=4),
    VolatilityTarget(horizon=6),
]
every_target = pytest.mark.parametrize("target", EVERY_TARGET, ids=lambda target: target.kind)


@every_target
def test_every_metric_stands_beside_its_baselines(make_run, tmp_path, target):
    run = make_run(target)
    text, structure = written(run, tmp_path)
    cells, at = structure.cells, 0
    for verdict in run.verdicts.values():
        assert verdict.words in text
        for name, difference in verdict.differences.items():
            at = cells.index(page.titled(name), at)
            naive = verdict.baselines[difference.baseline][name]
            expected = [page.figure(name, value) for value in (verdict.metrics[name], naive)]
            assert cells[at + 1 : at + 3] == expected
            assert cells[at + 3] == title(difference.baseline)
            bounds = (page.figure(name, difference.low), page.figure(name, difference.high))
            assert cells[at + 5] == " to ".join(bounds)
            others = {
                title(other): page.figure(name, values[name])
                for other, values in verdict.baselines.items()
                if name in values and other != difference.baseline
            }
            rows = [cells[at + 6 * row :][:4] for row in range(1, len(others) + 1)]
            assert {known: shown for *_, shown, known in rows} == others
            assert all(row[:2] == ["", ""] for row in rows)


@every_target
def test_how_sure_it_is_stands_beside_each_verdict(make_run, tmp_path, target):
    run = make_run(target)
    text, structure = written(run, tmp_path)
    assert text.count('class="square"') == (len(run.verdicts) if target.classes > 1 else 0)
    at = 0
    for horizon in run.verdicts:
        for _, words in trust.of_horizon(record.of_horizon(run, horizon)):
            at = structure.cells.index(words, at + 1)
    for _, words in trust.of_profit(run.earned.to_json()):
        assert words in structure.cells


@every_target
def test_the_confusion_matrix_is_there_for_classes_alone(make_run, tmp_path, target):
    run = make_run(target)
    text, structure = written(run, tmp_path)
    assert text.count('class="confusion"') == (len(run.verdicts) if target.classes > 1 else 0)
    start = 0
    for verdict in run.verdicts.values():
        matrix = verdict.confusion
        for name, counts in zip(matrix.classes, matrix.counts, strict=True) if matrix else ():
            at = structure.cells.index(f"was {name}", start)
            shown = structure.cells[at + 1 : at + 1 + len(counts)]
            assert shown == [f"{count:,}" for count in counts]
            start = at


def test_scores_of_each_epoch_are_drawn(make_run, tmp_path):
    text, _ = written(make_run(TernaryTarget()), tmp_path)
    assert text.count("<svg") == 4
    assert "macro F1 by epoch" in text


def test_the_rule_of_trading_is_said(run, make_run, tmp_path):
    assert "long/flat, 12 basis points" in written(run, tmp_path)[0]
    text, _ = written(make_run(VolatilityTarget(horizon=6)), tmp_path)
    assert "long, aimed at a volatility of 20% a year, 12 basis points" in text


def test_every_metric_has_a_name_for_people():
    for trial in TRIALS.values():
        for contest in trial.contests:
            name = contest.metric.name
            assert name in page.TITLES or name.startswith(("precision_", "recall_"))
    assert page.titled("precision_up") == "precision, up"


def test_every_figure_stands_beside_buy_and_hold(run, tmp_path):
    _, structure = written(run, tmp_path)
    traded = run.backtest.to_json()
    for name, held in traded["buy_and_hold"].items():
        at = structure.cells.index(name.replace("_", " "))
        expected = [page.figure(name, value) for value in (traded[name], held)]
        assert structure.cells[at + 1 : at + 3] == expected


def test_nothing_is_loaded_from_elsewhere(run, tmp_path):
    text, structure = written(run, tmp_path)
    assert structure.loads == []
    assert not re.search(r"url\(|@import|<script|https?://", text)
    assert text.count("<svg") == text.count("</svg>") == 2
    assert "{{" not in text
    assert "{%" not in text


def test_simulated_candles_cannot_be_overlooked(run, make_run, tmp_path):
    assert "SYNTHETIC" in written(make_run(synthetic=True), tmp_path)[0]
    assert "SYNTHETIC" not in written(run, tmp_path)[0]


def test_text_from_outside_is_text(make_run, tmp_path):
    text, _ = written(make_run(reason="<script>alert(1)</script>"), tmp_path)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_figures_by_hand():
    assert page.figure("total_return", -0.12345) == "-12.35%"
    assert page.figure("price_rmse", 1234.5678) == "1,234.6"
    assert page.figure("rmse", 0.0043219876) == "0.004322"
    assert page.figure("trades", 12) == "12"
    assert page.figure("sharpe", None) == "-"


def test_without_jinja2_it_says_what_to_install(run, tmp_path, monkeypatch):
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    with pytest.raises(ResourceError, match=r"jinja2 is not installed.*atb\[train\]"):
        page.write(run, tmp_path / "report.html")
