"""The picture and the page of a suite say all that was found, and load nothing."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest

from atb import extras
from atb.errors import ResourceError
from atb.report import performance, performance_chart


@pytest.fixture(scope="module")
def written(suite_results, tmp_path_factory):
    """The page of thirteen models, one more of which failed, on a simulated book."""
    folder = tmp_path_factory.mktemp("suite")
    performance.write(suite_results(13, synthetic=True, failed=True), folder)
    return folder


def test_the_picture_is_one_and_grows_with_what_it_shows(suite_results, written):
    def size(data):
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        return struct.unpack(">II", data[16:24])

    many = size((written / "performance.png").read_bytes())
    few = size(performance_chart.png(suite_results(2)))
    assert many[1] > few[1] + 11 * 2 * 20  # a model has 20 pixels at least in each panel
    assert many[0] == few[0] > 700


def test_every_value_has_its_place_in_the_picture(suite_results, monkeypatch):
    """What is drawn, asked of matplotlib itself."""
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    results = suite_results(3)
    del results["models"]["deeplob-2"]["horizons"]["50"]
    performance_chart.png(results)
    panels = {panel.get_title(): panel for panel in drawn[0].axes}
    assert list(panels) == [
        f"{metric}, {horizon} rows ahead"
        for metric in ("accuracy", "macro F1")
        for horizon in (10, 50)
    ]
    dots = {
        title: [tuple(map(float, (*line.get_xdata(), *line.get_ydata())))
                for line in panel.get_lines() if line.get_marker() == "o"]
        for title, panel in panels.items()
    }  # fmt: skip
    assert np.allclose(dots["accuracy, 10 rows ahead"], [(0.41, 0), (0.42, 1), (0.43, 2)])
    assert np.allclose(dots["accuracy, 50 rows ahead"], [(0.45, 0), (0.46, 1)])
    whiskers = panels["macro F1, 10 rows ahead"].get_lines()[3].get_data()[0]
    assert list(whiskers) == pytest.approx([0.379, 0.402])
    naive = [line.get_xdata()[0] for line in panels["accuracy, 10 rows ahead"].get_lines()[:3]]
    assert naive == pytest.approx([1 / 3, 0.361, 0.384])
    names = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert names == ["ridge", "deeplob-1", "deeplob-2"]
    assert drawn[0].get_suptitle() == "GOOG: 14,321 test rows, 95 % intervals"


def test_the_page_says_it_all_and_loads_nothing(written):
    html = (written / "performance.html").read_text()
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert [link.partition(",")[0] for link in links] == ["data:image/png;base64"]
    assert "<script" not in html and "@import" not in html and "url(" not in html
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))
    for said in (
        "GOOG: 13 models on one book",
        "SYNTHETIC DATA",
        "100,048 rows from sample, 2012-06-21T13:30:00Z to 2012-06-21T18:00:00Z, 1 session",
        "70,000 train, 14,000 validation, 14,321 test",
        "tlob failed: its process was &lt;killed&gt;",
        "above the best baseline: ridge",
        "ridge 41.0 [39.9, 42.2] 45.0 [43.9, 46.2]",
        "random 33.3 33.3 majority 36.1 36.1 last move 38.4 38.4",
        "R2, % model 10 rows ahead 50 rows ahead ridge 8.1 [7.0, 9.3] 8.1 [7.0, 9.3]",
        "ridge 1,234 -2.35 [-3.00, -1.50] -2.35 [-3.00, -1.50] 25.0% -2.35 [-3.00, -1.50]",
        "deeplob-12 60,691 lob40 100 7 123.4 artifacts/models/GOOG/deeplob-12/v1",
        "was flat 14 505 106",
    ):
        assert said in text, said


def test_a_real_book_is_not_called_synthetic_and_names_are_escaped(suite_results):
    results = suite_results(1)
    results["words"] = ["<script>alert(1)</script>"]
    html = performance.page(results, b"")
    assert "SYNTHETIC" not in html
    assert "<script>" not in html
    assert "GOOG: 1 model on one book" in html


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("accuracy", None, "-"),
        ("macro_f1", {"value": 0.5, "low": -0.001, "high": 1.0}, "50.0 [-0.1, 100.0]"),
        ("mcc", -0.0123, "-0.012"),
        ("r2", {"value": -0.01, "low": -0.02, "high": 0.0}, "-1.0 [-2.0, 0.0]"),
    ],
)
def test_figures_read_well(metric, value, shown):
    assert performance.figure(metric, value) == shown


def test_matplotlib_is_asked_for_where_it_is_missing(suite_results, monkeypatch):
    def absent(module):
        raise ImportError(module)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    with pytest.raises(ResourceError, match="matplotlib"):
        performance_chart.png(suite_results(1))
