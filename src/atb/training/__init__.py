"""Fitting a network to a dataset, epoch by epoch.

Knows windows and losses; it knows no candles, files or metrics of money. Open `fit.py` first.
"""
