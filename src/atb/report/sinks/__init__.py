"""Other people's tools that show trainings; each reads a model's event log once it is there.

They know the event log and nothing of training; begin with `publish.py`.
"""
