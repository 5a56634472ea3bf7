"""One file per group of commands, each a short recipe: parse, call, show.

Knows neither exit codes nor tracebacks; those belong to `atb_cli.main`. Open `train.py` first.
"""
