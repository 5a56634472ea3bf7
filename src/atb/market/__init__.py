"""Candles, order books and bonds of one market: read, downloaded, simulated, stored and checked.

It knows nothing of features, models or trading, and never repairs what it reads. Open `load.py`
first: it turns a source name into checked `Candles` (`candles.py`). Files are read by `files.py`,
the exchange by `binance.py`, the simulator is `sample.py`; what can be wrong is in `checks.py`;
order books are in `lob/`, bonds in `bonds/`, and `history.py` says what all have in common. Bars
one by one are a `feed.py`: `live.py` as the exchange closes them, `replay.py` as they were.
"""
