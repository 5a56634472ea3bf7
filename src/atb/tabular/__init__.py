"""What is solved instead of trained by descent: straight lines, and what joins an ensemble.

Stands where training stands: a dataset in, `atb.dataset.learner.Fitted` out. Open `linear.py`.
"""
