"""Bonds: par yields read, zero curves bootstrapped, bonds priced; `load.py` is the door.

It knows government curves of par yields and plain bonds, nothing of features or models. A day's
bond of constant maturity is the row of a history; open `bonds.py` first.
"""
