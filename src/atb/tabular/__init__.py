"""Models of flattened windows that are solved instead of trained by descent.

Stands where training stands: a dataset in, `atb.dataset.learner.Fitted` out. Open `linear.py`.
"""
