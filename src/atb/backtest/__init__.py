"""Predictions into positions, positions into profit after costs, beside buy and hold.

Numpy only. It knows predictions, candles and the trading rules; nothing of models, features or
files. Open `vectorised.py` first; `result.py` is what a hook of your own returns.
"""
