"""Predictions into positions, positions into profit after costs, beside naive rules.

Numpy only. It knows predictions, candles, books and the trading rules; nothing of models, features
or files. Open `vectorised.py` (its rules as a loop: `event_driven.py`) and `touch.py`
first; `result.py` is what a hook of your own returns.
"""
