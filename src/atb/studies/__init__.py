"""Many trainings, one question: folds, trials, members of an ensemble, presets side by side.

Knows how trainings are asked for and compared, not how one is done. Open `study.py` first, then
`compare.py`, the plainest of those who use it.
"""
