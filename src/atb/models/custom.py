"""Layers and functions of our own in saved networks; whoever loads one must know them.

A table and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atb.models.bilinear import Bilinear, BilinearNormalisation, TemporallyAttended
from atb.models.mixing import gelu
from atb.models.votes import HardVote, MeanValue, SoftVote

KNOWN = (
    *(Bilinear, BilinearNormalisation, TemporallyAttended, gelu),
    *(MeanValue, SoftVote, HardVote),
)
OBJECTS: Mapping[str, Any] = {known.__name__: known for known in KNOWN}
