"""Features: stationary columns from raw candles, causal, one Keras layer per named set.

Knows a candle tensor and the catalogue in `atb.config.features`; nothing of labels, windows or
networks. Open `layer.py` first.
"""
