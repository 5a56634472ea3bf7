"""The words of a recipe: frozen, strict specs, light to import.

Knows no market, no model and no file; `atb.presets` reads files into these. Open
`training.py` first.
"""
