"""Many models at once: what is to be done, in which order, what of it is done already.

Knows steps and the jobs they are made of, not how a model is learned. Open `plan.py` first.
"""
