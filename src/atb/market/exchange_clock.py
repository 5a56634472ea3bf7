"""The exchange's time: asked for, and carried on by a steady timer until asked for again.

This machine's date, which may be wrong by hours, is never looked at. It knows where the time is
told, and no candles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import requests

from atb.clock import EARLIEST_MS, LATEST_MS
from atb.errors import DataError
from atb.market.download import Patience, get_json
from atb.market.timer import Timer


@dataclass
class ExchangeClock:
    """What time it is at an exchange.

    Attributes:
        session: through which it is asked.
        rest: address of its REST interface.
        timer: what passes between two questions.
    """

    session: requests.Session
    rest: str
    timer: Timer
    _told: tuple[int, float] | None = field(default=None, init=False)  # ms; seconds of the timer

    def ask(self, patience: Patience) -> int:
        """The exchange's own word, ms UTC, which is past when it arrives.

        Raises:
            SourceUnavailableError: when it cannot be reached.
            DataError: when it tells no time.
        """
        url = f"{self.rest}/time"
        answer = get_json(self.session, url, patience)
        told = answer.get("serverTime") if isinstance(answer, dict) else None
        if not isinstance(told, int) or not EARLIEST_MS <= told < LATEST_MS:
            raise DataError(
                f"the answer tells no time in ms ({told!r})", where=url, remedy="try again later"
            )
        self._told = told, self.timer.seconds()
        return told

    def now(self, patience: Patience) -> int:
        """The present, ms UTC: behind the exchange's by an answer's way; asked for when first used.

        Raises:
            SourceUnavailableError, DataError: as `ask`, the first time.
        """
        if self._told is None:
            return self.ask(patience)
        told, then = self._told
        return told + int((self.timer.seconds() - then) * 1000)
