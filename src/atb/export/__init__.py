"""A trained network becomes one ONNX file that eats raw rows, compared with Keras before use.

Knows the serving graph; it knows no training, no registry and no live runtime. Open `graph.py`
first, then `onnx.py` and `parity.py`.
"""
