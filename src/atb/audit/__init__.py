"""Lookahead audit: whether features, labels, splits or scalers know what they cannot know yet.

It runs the code it is given on less and on other rows and compares; it never reads that code, and
knows nothing of networks. Open `lookahead.py` first.
"""
