"""Many trainings, one question: folds, trials, members of an ensemble, presets side by side.

Knows how trainings are asked for and compared, not how one is done. Open `study.py` first, then
`compare.py`, the plainest of those who use it. By what is asked:

compare: `compare`, `comparison`, `tested`.
cross-validation: `cross_validation`, `folded`, `fold_...`, `out_of_fold`, `paths`, `spread`.
tuning: `tune`, `tuning`, `tune_...`, `tuned_preset`, `tried`, `journal`.
ensembles: `ensemble`, `ensemble_...`, `joint`.
suites of books: `train_suite`, `suite`, `suite_...`, `decided`.
Shared by all: `study`, `side_by_side`, `jobs`.
"""
