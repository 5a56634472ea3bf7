"""Candles of one market in equal bars: read, downloaded, simulated, stored and checked.

It knows nothing of features, models or trading, and never repairs what it reads. Open `load.py`
first: it turns a source name into checked `Candles` (`candles.py`). Files are read by `files.py`,
the exchange by `binance.py`, the simulator is `sample.py`; what can be wrong is in `checks.py`.
"""
