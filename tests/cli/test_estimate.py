from __future__ import annotations

import pytest

SMALL = ["--set", "model.filters=[4]", "--set", "model.pool=[2]", "--set", "model.units=[4]"]


def test_it_needs_no_candles_and_makes_nothing(atb, tmp_path):
    done = atb("train", "estimate", "--preset", "fast", *SMALL)
    assert done.code == 0, done.err
    for word in ("parameters", "optimizer", "activations", "total", "mixed_bfloat16"):
        assert word in done.out
    assert "time per epoch of 10,000 windows" in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_batch_is_the_one_that_was_measured(atb):
    done = atb("train", "estimate", "--batch-size", "512", "--windows", "100", "--json", *SMALL)
    found = done.json
    full = found["precisions"]["float32"]
    assert found["batch"] == full["memory"]["batch"] == 100
    assert full["seconds_per_epoch"] == full["seconds_per_step"]


def test_programs_get_bytes_and_seconds(atb):
    words = ["--preset", "fast", "--batch-size", "32", "--windows", "3200", "--json"]
    found = atb("train", "estimate", *words, *SMALL).json
    assert (found["batch"], found["windows"]) == (32, 3200)
    full = found["precisions"]["float32"]
    assert full["memory"]["total"] > full["memory"]["activations"] > 0
    assert full["seconds_per_epoch"] == pytest.approx(100 * full["seconds_per_step"])
    half = found["precisions"]["mixed_float16"]["memory"]
    assert half["activations"] < full["memory"]["activations"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--preset", "fats"), 2, "unknown preset 'fats'"),
        (("--preset", "ridge"), 2, "ridge: linear is solved in one pass"),
        (("--windows", "0"), 2, "--windows"),
        (("--set", "model.nonsense=1"), 2, "model.nonsense"),
    ],
)
def test_nonsense_is_answered_in_one_line(atb, words, code, said):
    done = atb("train", "estimate", *words)
    assert done.code == code
    assert said in done.said
    assert done.out == ""
