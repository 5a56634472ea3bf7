"""A model passes only if every figure is there, is a number, agrees with others and suffices."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from atb.clock import parse_time
from atb.registry import gate_file
from atb.registry.gates import GATES, OPTIONAL, Dossier, Rivalry, judged
from atb.registry.version import Version

STAMP = "20240131T120000Z-7f3a91bc"
RECIPE = {"symbol": "BTCUSDT", "features": "technical", "window": 60, "horizon": 1}
METADATA = {
    **RECIPE,
    "version": STAMP,
    "columns": "open,high,low,close,volume",
    "data_sha256": "ab",
    "config_sha256": "cd",
    "synthetic": False,
    "data": {"last": "2024-01-31T11:00:00Z", "synthetic": False},
    "warm_start": None,
    "parity": {"windows": 1000, "max_difference": 1e-9, "max_standardised_difference": 1e-7},
}
SAID = {
    name: fact if isinstance(fact, str) else json.dumps(fact)
    for name, fact in METADATA.items()
    if not isinstance(fact, dict | None)
}
METRICS = {
    "metrics": {"rmse": 0.0099, "directional_accuracy": 0.7},
    "headline": {
        "metric": "rmse",
        "baseline": "persistence",
        "value": 0.0099,
        "naive": 0.01,
        "difference": -0.0001,
        "low": -0.00015,
        "high": -0.00005,
        "rising": False,
    },
    "significance": {"test": "", "p_value": 0.001, "trials": 1, "adjusted_p_value": 0.001},
    "calibration": {"method": "conformal", "error": 0.012},
}
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def limits():
    return gate_file.read("strict")


@pytest.fixture
def good():
    version = Version("BTCUSDT", "fast", STAMP, Path("models/BTCUSDT/fast") / STAMP)
    now = parse_time("2024-02-01")
    return Dossier(
        version,
        files=9,
        metadata=copy.deepcopy(METADATA),
        metrics=copy.deepcopy(METRICS),
        recipe=dict(RECIPE),
        said=dict(SAID),
        now=now,
        rivalry=Rivalry("BTCUSDT/fast/old", -0.01, -0.03, "paired"),
        problems={},
    )


def refused(dossier, limits):
    return [finding.gate for finding in judged(dossier, limits) if not finding.passed]


def put(content, dotted, value):
    """Set what stands under a dotted name, or take it away."""
    *path, last = dotted.split(".")
    for name in path:
        content = content[name]
    if value is KeyError:
        del content[last]
    else:
        content[last] = value


def test_a_good_model_passes_every_gate(good, limits):
    findings = judged(good, limits)
    assert [finding.gate for finding in findings] == list(GATES)
    assert refused(good, limits) == []
    values = {finding.gate: (finding.value, finding.limit) for finding in findings}
    assert values["parity"] == (1e-7, 1e-5)
    assert values["fresh"] == (0.54, 7)
    assert values["skill"] == (pytest.approx(0.005), 0)
    assert values["accuracy"] == (0.7, 0.68)
    assert values["calibration"] == (0.012, 0.05)
    assert values["not_worse"] == (-0.01, 0.005)
    json.dumps([finding.to_json() for finding in findings], allow_nan=False)


FIGURES = [
    ("parity", "metadata", "parity.windows"),
    ("parity", "metadata", "parity.max_difference"),
    ("parity", "metadata", "parity.max_standardised_difference"),
    ("skill", "metrics", "headline.low"),
    ("skill", "metrics", "headline.high"),
    ("skill", "metrics", "headline.naive"),
    ("luck", "metrics", "significance.adjusted_p_value"),
    ("luck", "metrics", "significance.trials"),
    ("accuracy", "metrics", "metrics.directional_accuracy"),
    ("calibration", "metrics", "calibration.error"),
]
NO_FIGURES = [KeyError, None, NAN, INF, -INF, "0.01", True, [0.01], {}, 10**400]


@pytest.mark.parametrize("value", NO_FIGURES, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(("gate", "file", "dotted"), FIGURES)
def test_a_figure_that_is_none_is_a_refusal(good, limits, gate, file, dotted, value):
    put(getattr(good, file), dotted, value)
    assert refused(good, limits) == [gate]
    (finding,) = (one for one in judged(good, limits) if one.gate == gate)
    assert finding.value is None and finding.words
    json.dumps(finding.to_json(), allow_nan=False)


@pytest.mark.parametrize("value", [KeyError, None, 3, "x", []])
@pytest.mark.parametrize(
    ("gate", "file", "dotted"),
    [
        ("parity", "metadata", "parity"),
        ("skill", "metrics", "headline"),
        ("luck", "metrics", "significance"),
        ("accuracy", "metrics", "metrics"),
        ("calibration", "metrics", "calibration"),
    ],
)
def test_a_report_that_is_none_is_a_refusal(good, limits, gate, file, dotted, value):
    put(getattr(good, file), dotted, value)
    assert refused(good, limits) == [gate]


@pytest.mark.parametrize(
    ("gate", "file", "dotted", "value"),
    [
        ("parity", "metadata", "parity.windows", 0),
        ("parity", "metadata", "parity.max_difference", 2e-5),
        ("parity", "metadata", "parity.max_difference", -1.0),
        ("parity", "metadata", "parity.max_standardised_difference", 1.1e-5),
        ("real", "metadata", "data.synthetic", True),
        ("real", "metadata", "data.synthetic", KeyError),
        ("real", "metadata", "data.synthetic", "false"),
        ("real", "metadata", "data.synthetic", 0),
        ("real", "metadata", "warm_start", KeyError),
        ("real", "metadata", "warm_start", {"version": "BTCUSDT/fast/x", "synthetic": True}),
        ("real", "metadata", "warm_start", {"version": "BTCUSDT/fast/x"}),
        ("fresh", "metadata", "data.last", "2024-01-24T23:00:00Z"),
        ("fresh", "metadata", "data.last", "2024-02-01T01:00:00Z"),
        ("fresh", "metadata", "data.last", "yesterday"),
        ("fresh", "metadata", "data.last", None),
        ("fresh", "metadata", "data.last", 1_706_698_800_000),
        ("fresh", "metadata", "data.last", KeyError),
        ("skill", "metrics", "headline.high", 0.0),
        ("skill", "metrics", "headline.high", 1e-9),
        ("skill", "metrics", "headline.low", 0.1),
        ("skill", "metrics", "headline.naive", 0.0),
        ("skill", "metrics", "headline.rising", True),
        ("skill", "metrics", "headline.rising", 0),
        ("skill", "metrics", "headline.rising", KeyError),
        ("luck", "metrics", "significance.adjusted_p_value", 0.011),
        ("luck", "metrics", "significance.adjusted_p_value", -0.1),
        ("luck", "metrics", "significance.trials", 0),
        ("accuracy", "metrics", "metrics.directional_accuracy", 0.679),
        ("accuracy", "metrics", "metrics.directional_accuracy", 1.2),
        ("accuracy", "metrics", "metrics.accuracy", 0.5),
        ("calibration", "metrics", "calibration.error", 0.0501),
        ("calibration", "metrics", "calibration.error", -0.01),
        ("schema", "said", "version", KeyError),
        ("schema", "said", "data_sha256", KeyError),
        ("schema", "said", "window", "61"),
        ("schema", "said", "unknown", "1"),
        ("schema", "metadata", "config_sha256", "ee"),
        ("schema", "recipe", "features", "full"),
        ("schema", "recipe", "levels", 10),
    ],
)
def test_a_figure_that_does_not_suffice_is_a_refusal(good, limits, gate, file, dotted, value):
    put(getattr(good, file), dotted, value)
    assert refused(good, limits) == [gate]


def test_a_rising_metric_needs_its_low_end_above_zero(good, limits):
    good.metrics["headline"] |= {"low": 0.00005, "high": 0.00015, "rising": True}
    assert refused(good, limits) == []
    good.metrics["headline"]["low"] = -1e-9
    assert refused(good, limits) == ["skill"]


def test_simulated_data_that_the_graph_confesses(good, limits):
    good.metadata["synthetic"], good.said["synthetic"] = True, "true"
    assert refused(good, limits) == ["real"]


def test_the_folder_is_the_one_the_model_was_made_for(good, limits):
    for change, passes in [
        ({"symbol": "ETHUSDT"}, False),
        ({"version": "20240131T120000Z-00000000"}, False),
        ({"version": f"{STAMP}-002"}, True),  # the name was taken
        ({"version": f"{STAMP}-fast"}, False),
    ]:
        other = replace(good, version=replace(good.version, **change))
        assert refused(other, limits) == ([] if passes else ["schema"]), change


def serve_small(dossier, change=0.002, share=0.02):
    """As its metadata say, it serves a graph of int8."""
    measured = {"metric": {"change": change}, "difference": {"share": share}}
    said = {"serves": "model.int8.onnx", "precision": "int8", "smaller": measured}
    dossier.metadata.update(said)
    dossier.said["precision"] = "int8"
    return replace(dossier, version=replace(dossier.version, version=f"{STAMP}-int8"))


def test_a_folder_that_serves_a_smaller_graph_says_so_in_its_name(good, limits):
    small = serve_small(good)
    for name, passes in [("-int8", True), ("-int8-002", True), ("", False), ("-float16", False)]:
        other = replace(small, version=replace(small.version, version=f"{STAMP}{name}"))
        assert refused(other, limits) == ([] if passes else ["schema"]), name


@pytest.mark.parametrize(
    ("change", "share", "passes"),
    [
        (0.01, 0.1, True),
        (0.011, 0.02, False),
        (0.002, 0.11, False),
        (NAN, 0.02, False),
        (0.002, None, False),
        (-0.002, 0.02, False),
    ],
)
def test_a_smaller_graph_was_measured_and_is_close(good, limits, change, share, passes):
    assert refused(serve_small(good, change, share), limits) == ([] if passes else ["parity"])


def test_what_was_measured_of_the_graph_that_is_served_is_said(good, limits):
    words = {finding.gate: finding.words for finding in judged(serve_small(good), limits)}
    assert words["parity"] == (
        "ONNX against Keras on 1,000 windows; model.int8.onnx beside ONNX, "
        "metric 0.002 of at most 0.01, difference 0.02 of at most 0.1"
    )


def test_a_smaller_graph_that_was_never_measured_is_refused(good, limits):
    small = serve_small(good)
    del small.metadata["smaller"]
    assert refused(small, limits) == ["parity"]


@pytest.mark.parametrize(
    ("better", "worse", "passes"),
    [
        (-0.02, -0.01, True),  # better
        (-0.01, 0.004, True),  # level, and at most 0.4 % worse
        (-0.01, 0.006, False),  # level, but who knows
        (0.001, 0.004, False),  # shown to be worse, however little
        (NAN, 0.004, False),
        (-0.01, NAN, False),
        (-INF, INF, False),
    ],
)
def test_not_worse_is_neither_shown_nor_likely_to_be(good, limits, better, worse, passes):
    good = replace(good, rivalry=Rivalry("BTCUSDT/fast/old", worse, better, "paired"))
    assert refused(good, limits) == ([] if passes else ["not_worse"])


def test_the_first_one_has_no_rival(good, limits):
    assert refused(replace(good, rivalry=None), limits) == []


@pytest.mark.parametrize("gate", GATES)
def test_what_could_not_be_read_is_a_refusal(good, limits, gate):
    assert refused(replace(good, problems={gate: "no permission"}), limits) == [gate]


def test_what_was_never_verified_is_a_refusal(good, limits):
    assert refused(replace(good, files=0), limits) == ["integrity"]


def test_gates_that_are_not_asked_are_left_out(good, limits):
    fewer = limits.model_copy(update=dict.fromkeys(OPTIONAL.values()))
    asked = [finding.gate for finding in judged(good, fewer)]
    assert asked == [name for name in GATES if name not in OPTIONAL]
