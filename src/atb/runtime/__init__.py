"""A registered model at work: onnxruntime, numpy and a verified folder, nothing else.

Knows no training; TensorFlow is never imported here. Open `predictor.py` first.
"""
