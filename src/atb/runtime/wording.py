"""What a model says, and what is held because of it, in words with figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from atb.runtime.decision import Output


def said(output: Output, unit: str) -> str:
    """An output in words.

    >>> said(0.00021, "return")
    'a return of +2.1 basis points'
    """
    values = output if isinstance(output, tuple) else (output,)
    return _WORDS[unit](*values)


def held(position: float) -> str:
    """A position in words.

    >>> held(-0.5)
    'short 0.5 of the equity'
    """
    if not position:
        return "nothing"
    return f"{'long' if position > 0 else 'short'} {abs(position):.4g} of the equity"


def _return(value: float) -> str:
    return f"a return of {value * 1e4:+.1f} basis points"


def _rise(value: float) -> str:
    return f"a rise with {value:.1%}"


def _classes(down: float, flat: float, up: float) -> str:
    return f"down with {down:.1%}, flat with {flat:.1%}, up with {up:.1%}"


def _volatility(value: float) -> str:
    return f"a volatility of {math.exp(value):.3%} a bar"


_WORDS: Mapping[str, Callable[..., str]] = {
    "return": _return,
    "probability": _rise,
    "probabilities": _classes,
    "log_volatility": _volatility,
}
