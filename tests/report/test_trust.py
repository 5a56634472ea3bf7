"""Lines written by hand for each kind of calibration, with and without a choice."""

from __future__ import annotations

from atb.report import trust

TEST = {
    "test": "Diebold-Mariano",
    "baseline": "class_frequency",
    "statistic": -2.3456,
    "p_value": 0.0096,
    "trials": 1,
    "adjusted_p_value": 0.0096,
}
CLASSES = {
    "method": "temperature",
    "parameters": {"temperature": 1.2345},
    "error": 0.02,
    "uncalibrated_error": 0.05,
    "brier": 0.24,
    "uncalibrated_brier": 0.25,
    "log_loss": 0.68,
    "uncalibrated_log_loss": 0.7,
}
INTERVAL = {"method": "conformal", "coverage": 0.9, "half_width": 0.01234, "achieved": 0.887}
PROFIT = {
    "sharpe": 1.234,
    "standard_error": 0.5,
    "probabilistic": 0.9931,
    "deflated": 0.41,
    "trials": 1,
    "low": 0.2,
    "high": 2.2,
    "intervals": {"total_return": [-0.05, 0.1], "net_ticks_total": [-1200.0, 30.0]},
}


def test_classes():
    assert dict(trust.of_horizon({"significance": TEST, "calibration": CLASSES})) == {
        "significance": "Diebold-Mariano against class frequency: statistic -2.35, p = 0.010",
        "calibration": "temperature 1.234: calibration error 0.0200 (before 0.0500), "
        "Brier score 0.2400 (before 0.2500), log loss 0.6800 (before 0.7000)",
    }


def test_quantities_chosen_from_many():
    chosen = TEST | {"trials": 1200, "adjusted_p_value": 0.99999}
    assert dict(trust.of_horizon({"significance": chosen, "calibration": INTERVAL})) == {
        "significance": "Diebold-Mariano against class frequency: statistic -2.35, p = 0.010; "
        "the best of 1,200 trials: p = 1.00",
        "interval": "prediction ± 0.01234 was to hold 90.0% of outcomes, and held 88.7%",
    }


def test_profit():
    assert dict(trust.of_profit(PROFIT)) == {
        "Sharpe ratio": "1.23, standard error 0.5, 95 % interval [0.2, 2.2]; "
        "above 0 with probability 0.993",
        "total return": "95 % interval [-5.00%, 10.00%]",
        "net ticks total": "95 % interval [-1,200, 30]",
    }
    (words, *_) = dict(trust.of_profit(PROFIT | {"trials": 50})).values()
    assert words.endswith("above 0 with probability 0.993, as the best of 50 trials 0.410")


def test_without_trades_there_is_no_profit_to_be_sure_of():
    assert list(trust.of_profit(PROFIT | {"sharpe": None})) == []


def test_every_method_is_said():
    isotonic = CLASSES | {"method": "isotonic", "parameters": {"knots": [], "levels": []}}
    for calibration in (isotonic, CLASSES | {"method": "none", "parameters": {}}):
        lines = dict(trust.of_horizon({"significance": TEST, "calibration": calibration}))
        assert lines["calibration"].startswith(f"{calibration['method']}: calibration error")
