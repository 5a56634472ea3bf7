"""The page says what was found, whole, and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atb import extras
from atb.errors import ResourceError
from atb.report import page

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


def test_every_metric_stands_beside_its_baseline(run, tmp_path):
    text, structure = written(run, tmp_path)
    cells = structure.cells
    for name, difference in run.verdict.differences.items():
        at = cells.index(page.TITLES[name])
        naive = run.verdict.baselines[difference.baseline][name]
        expected = [page.figure(name, value) for value in (run.verdict.metrics[name], naive)]
        assert cells[at + 1 : at + 3] == expected
        assert cells[at + 3] == difference.baseline
        bounds = (page.figure(name, difference.low), page.figure(name, difference.high))
        assert cells[at + 5] == " to ".join(bounds)
    assert run.verdict.words in text


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
