"""Whether what a model sees, says and gets wrong is still what it was, in bounded memory.

Knows columns of numbers and what a profile says of them; nothing of candles, books, files or
networks, and imports numpy alone. Open `drift.py` first.
"""
