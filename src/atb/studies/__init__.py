"""Many trainings, one question: presets side by side on one order book.

Knows how trainings are asked for and compared, not how one is done. Open `suite.py` first.
"""
