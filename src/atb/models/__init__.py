"""Networks: one file per architecture, each with `build(spec, window)`, and the heads they share.

Knows shapes and layers; it knows no candles, no training and no files. Open `build.py` first, then
`conv_recurrent.py`.
"""
