"""Features: stationary columns from raw rows, causal, one Keras layer per named set.

Knows candle and book tensors and the catalogue in `atb.config.features`; nothing of labels, windows
or networks. Open `layer.py` first.
"""
