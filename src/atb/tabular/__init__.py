"""What is solved instead of trained by descent: lines, trees, mixtures, and what joins an ensemble.

Stands where training stands: a dataset in, `atb.dataset.learner.Fitted` out. Open `fit.py`: it
makes one model of what each learner's file solves for a horizon (`part.py` is their contract).
"""
