"""Limit order books of one market, event by event: read, simulated, stored and checked.

Knows file formats and what a sound book is, nothing of features or models. Open `book.py` first,
then `load.py`.
"""
