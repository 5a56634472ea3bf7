"""A limit order book that nobody thinks in: orders come and go at random, event by event.

Limit orders, market orders and cancellations are independent Poisson streams, of Smith, Farmer,
Gillemot and Krishnamurthy 2003, Quantitative Finance 3, "Statistical theory of the continuous
double auction". Their rates by distance from the opposite best price are those that Cont, Stoikov
and Talreja 2010, Operations Research 58, "A stochastic model for order book dynamics" estimated;
every order has one rate of cancellation. It knows prices in ticks and model seconds, neither
markets nor files.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

SUBMITTED, REDUCED, DELETED, EXECUTED = 1, 2, 3, 4  # types of events, numbered as LOBSTER does
SELL, BUY = -1, 1

START_TICK = 20_000
LOT = 100  # shares; sizes are whole lots
_ARRIVAL, _DECAY = 1.92, 0.52  # limit orders a second at distance i: _ARRIVAL * i ** -_DECAY
_MARKET = 4.0  # market orders a second of each side; estimated were 0.94, which hardly move it
_CANCEL = 0.6  # cancellations a second of each resting order
_PARTIAL = 0.2  # of cancellations, those that leave part of the order
_MEAN_LOTS = 2.0
_REACH = 5  # distances at which orders arrive, for each level wanted
_WARM_UP = 2_000  # steps before the first event, so that the first book is as the last
_CHUNK = 4_096


class Event(NamedTuple):
    """One change of the book: after `second`, of `size` shares of one order at a `price` in ticks.

    `kind` is one of the four types, `direction` that of the resting order.
    """

    second: float
    kind: int
    order: int
    size: int
    price: int
    direction: int


@dataclass(slots=True)
class _Order:
    number: int
    direction: int
    key: int
    size: int
    place: int


@dataclass(slots=True)
class _Side:
    """Resting orders of one direction by key: the price for sellers, its negative for buyers.

    So the best price is the smallest key of either side.
    """

    keys: list[int] = field(default_factory=list)
    queues: dict[int, deque[_Order]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)

    def add(self, order: _Order) -> None:
        if order.key not in self.queues:
            insort(self.keys, order.key)
            self.queues[order.key] = deque()
            self.sizes[order.key] = 0
        self.queues[order.key].append(order)
        self.sizes[order.key] += order.size

    def take(self, order: _Order, size: int) -> None:
        """Reduce an order; one that is used up leaves, and its level with it if it was the last."""
        order.size -= size
        self.sizes[order.key] -= size
        if order.size == 0:
            self.queues[order.key].remove(order)
        if self.sizes[order.key] == 0:
            del self.sizes[order.key], self.queues[order.key]
            del self.keys[bisect_left(self.keys, order.key)]


class Auction:
    """A book of at least `levels` levels on each side, and the events that change it.

    Args:
        levels: levels that never run out: what would leave fewer does not happen.
        random: where chance comes from.
    """

    def __init__(self, levels: int, random: np.random.Generator) -> None:
        self._levels = levels
        self._random = random
        self._sides = {SELL: _Side(), BUY: _Side()}
        self._orders: list[_Order] = []
        self._submitted = 0
        self._second = 0.0
        rates = _ARRIVAL * np.arange(1, levels * _REACH + 1, dtype=np.float64) ** -_DECAY
        self._arrival = float(rates.sum())
        self._within = np.cumsum(rates) / rates.sum()
        for distance in range(1, levels * _REACH + 1):
            for direction in (SELL, BUY):
                self._add(direction, distance - direction * START_TICK, LOT)
        for _ in self._steps(_WARM_UP):
            pass
        self._second = 0.0

    def events(self) -> Iterator[Event]:
        """Events without end from second 0; after each, `state` is the book it left."""
        while True:
            yield from self._steps(_CHUNK)

    def state(self) -> list[int]:
        """The best levels, of each: ask price in ticks, ask size, bid price, bid size."""
        asks, bids = self._sides[SELL], self._sides[BUY]
        row: list[int] = []
        for ask, bid in zip(asks.keys[: self._levels], bids.keys[: self._levels], strict=True):
            row += (ask, asks.sizes[ask], -bid, bids.sizes[bid])
        return row

    def _steps(self, count: int) -> Iterator[Event]:
        """The events of so many arrivals; a market order is one event for each order it meets."""
        waits = self._random.exponential(size=count).tolist()
        chances = self._random.random((count, 4)).tolist()
        distances = np.searchsorted(self._within, self._random.random(count)).tolist()
        sizes = (LOT * self._random.geometric(1 / _MEAN_LOTS, count)).tolist()
        for wait, chance, distance, size in zip(waits, chances, distances, sizes, strict=True):
            rate = 2 * (self._arrival + _MARKET) + _CANCEL * len(self._orders)
            self._second += wait / rate
            direction = SELL if chance[1] < 0.5 else BUY
            point = chance[0] * rate
            if point < 2 * self._arrival:
                yield self._submit(direction, distance + 1, size)
            elif point < 2 * (self._arrival + _MARKET):
                yield from self._execute(direction, size)
            else:
                order = self._orders[int(chance[2] * len(self._orders))]
                yield from self._cancel(order, partly=chance[3] < _PARTIAL)

    def _submit(self, direction: int, distance: int, size: int) -> Event:
        """A limit order some ticks from the opposite best price, so that it never crosses."""
        order = self._add(direction, distance - self._sides[-direction].keys[0], size)
        return self._event(SUBMITTED, order, size)

    def _execute(self, direction: int, size: int) -> Iterator[Event]:
        """A market order that meets the resting orders of a side, the earliest of a price first."""
        side = self._sides[direction]
        while size:
            order = side.queues[side.keys[0]][0]
            part = min(size, order.size)
            if not self._spare(order, part):
                return
            self._take(order, part)
            yield self._event(EXECUTED, order, part)
            size -= part

    def _cancel(self, order: _Order, *, partly: bool) -> Iterator[Event]:
        part = order.size // LOT // 2 * LOT if partly else 0
        if self._spare(order, part or order.size):
            kind, size = (REDUCED, part) if part else (DELETED, order.size)
            self._take(order, size)
            yield self._event(kind, order, size)

    def _spare(self, order: _Order, size: int) -> bool:
        """Whether enough levels remain without that much of an order."""
        side = self._sides[order.direction]
        return size < side.sizes[order.key] or len(side.keys) > self._levels

    def _event(self, kind: int, order: _Order, size: int) -> Event:
        price = -order.direction * order.key
        return Event(self._second, kind, order.number, size, price, order.direction)

    def _add(self, direction: int, key: int, size: int) -> _Order:
        self._submitted += 1
        order = _Order(self._submitted, direction, key, size, len(self._orders))
        self._orders.append(order)
        self._sides[direction].add(order)
        return order

    def _take(self, order: _Order, size: int) -> None:
        self._sides[order.direction].take(order, size)
        if order.size == 0:  # the last order fills its place, so that any is found by a number
            last = self._orders.pop()
            if last is not order:
                self._orders[order.place] = last
                last.place = order.place
