"""How good predictions are, beside naive baselines, with the interval of the difference.

Knows predictions and what came true; no network, no candles, no money. Open `verdict.py` first.
"""
