"""What is to be predicted: one file per label, each giving a value and when it becomes known.

Knows candles and books, nothing of features, splits or models. Open `labels.py` first.
"""
