"""Trained models on disk: written whole, checked before use, found by name.

Knows folders, names and checksums; what the files mean is for others. Open `store.py` first.
"""
