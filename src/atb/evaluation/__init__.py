"""How good predictions are, beside what needs no model, and how sure that is.

Numpy only. Knows predictions and what came true; nothing of networks, files or money. Open
`verdict.py` first.
"""
