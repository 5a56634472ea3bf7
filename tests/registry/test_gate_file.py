"""Limits are read as strictly as recipes: a set of gates says all it asks for."""

from __future__ import annotations

import pytest
import yaml

from atb.config.gates import Limits
from atb.errors import ConfigError, UsageError
from atb.evaluation import skill
from atb.registry import gate_file


def test_the_two_sets_that_come_with_atb():
    assert gate_file.names() == ["default", "strict"]
    default, strict = map(gate_file.read, gate_file.names())
    assert (default.minimum_accuracy, strict.minimum_accuracy) == (None, 0.68)
    for limits in (default, strict):
        assert limits.minimum_improvement == 0
        assert limits.maximum_calibration_error == 0.05
        assert limits.maximum_parity_difference == 1e-5


def test_what_is_called_no_evidence_is_not_promoted():
    assert gate_file.read("default").maximum_p_value == skill.LEVEL


def test_strict_asks_for_no_less_than_default():
    default, strict = map(gate_file.read, gate_file.names())
    for name, limit in default.model_dump(exclude={"description", "minimum_accuracy"}).items():
        other = getattr(strict, name)
        assert other >= limit if name.startswith("minimum") else other <= limit, name


@pytest.fixture
def written(tmp_path):
    """A file of gates with some lines changed; None leaves one out."""
    limits = gate_file.read("default").model_dump()

    def written(**changes):
        content = {k: v for k, v in {**limits, **changes}.items() if v != "left out"}
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False, width=1000))
        return str(path)

    return written


def test_a_file_of_ones_own(written):
    assert gate_file.read(written(maximum_age_days=9000)).maximum_age_days == 9000
    assert gate_file.read(written(maximum_worsening=None)).maximum_worsening is None


def test_a_wrong_key_is_answered_with_its_place_and_the_nearest(written):
    path = written(maximum_age_days="left out", maximum_age_day=3)
    with pytest.raises(ConfigError) as caught:
        gate_file.read(path)
    assert str(caught.value) == (
        f"{path}:9: unknown key 'maximum_age_day'; did you mean 'maximum_age_days'?"
    )


@pytest.mark.parametrize("name", Limits.model_fields)
def test_there_are_no_defaults(written, name):
    with pytest.raises(ConfigError, match=f"the key '{name}' is missing; .* no defaults"):
        gate_file.read(written(**{name: "left out"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maximum_p_value", 1.5),
        ("maximum_p_value", None),
        ("maximum_p_value", "0.05 of them"),
        ("maximum_age_days", -1),
        ("maximum_age_days", float("nan")),
        ("maximum_age_days", float("inf")),
        ("minimum_accuracy", True),
        ("minimum_shared_rows", 2),
        ("minimum_shared_rows", 300.5),
        ("maximum_calibration_error", [0.05]),
    ],
)
def test_a_value_that_is_no_limit_is_named_with_its_line(written, name, value):
    path = written(**{name: value})
    with pytest.raises(ConfigError, match=rf"mine.yaml:\d+: {name}: .* \(got ") as caught:
        gate_file.read(path)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["defualt", "", "balanced", "../gates/default", "gates/default"])
def test_a_name_that_is_none(name):
    with pytest.raises(UsageError, match="unknown gates"):
        gate_file.read(name)


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match=r"there is no gates file 'mine.yaml'"):
        gate_file.read("mine.yaml")
