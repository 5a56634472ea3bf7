"""Rows become train, validation and test windows: split with purge, scaled on train rows only.

Knows a float matrix and integer rows; it has never seen a candle's price or a network. Open
`build.py` first.
"""
