"""DeepLOB in PyTorch, layer for layer that of `atb.models.deeplob`, to compare speeds with.

    python benchmarks/torch_deeplob.py FILTERS INCEPTION UNITS HORIZONS WINDOW BATCH STEPS ROUNDS

prints the samples trained per second on one thread, of the best round.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

SLOPE = 0.01


def conv(channels: int, filters: int, kernel: tuple[int, int], stride: int = 1) -> nn.Sequential:
    """A convolution along time or, by steps of its width, across columns; then a leaky ReLU."""
    padding = "same" if stride == 1 else 0
    layer = nn.Conv2d(channels, filters, kernel, stride=(1, stride), padding=padding)
    return nn.Sequential(layer, nn.LeakyReLU(SLOPE))


def block(channels: int, filters: int, width: int) -> nn.Sequential:
    """`width` columns put together, then four rows, twice."""
    along = [conv(filters, filters, (4, 1)) for _ in range(2)]
    return nn.Sequential(conv(channels, filters, (1, width), stride=width), *along)


class DeepLob(nn.Module):
    """`[B, 1, rows, 40]` to `[B, outputs]`."""

    def __init__(self, filters: int, inception: int, units: int, outputs: int) -> None:
        super().__init__()
        self.levels = nn.Sequential(
            block(1, filters, 2), block(filters, filters, 2), block(filters, filters, 10)
        )
        self.short = self._branch(filters, inception, 3)
        self.long = self._branch(filters, inception, 5)
        pool = nn.MaxPool2d((3, 1), stride=1, padding=(1, 0))
        self.pooled = nn.Sequential(pool, conv(filters, inception, (1, 1)))
        self.lstm = nn.LSTM(3 * inception, units, batch_first=True)
        self.head = nn.Linear(units, outputs)

    @staticmethod
    def _branch(filters: int, inception: int, reach: int) -> nn.Sequential:
        inner = conv(filters, inception, (1, 1))
        return nn.Sequential(inner, conv(inception, inception, (reach, 1)))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """The last state of the LSTM through the head."""
        found = self.levels(windows)
        branches = [branch(found) for branch in (self.short, self.long, self.pooled)]
        series = torch.cat(branches, dim=1).squeeze(-1).transpose(1, 2)
        states, _ = self.lstm(series)
        answers: torch.Tensor = self.head(states[:, -1])
        return answers


def main() -> None:
    """Train on one random batch and print the rate."""
    filters, inception, units, horizons, window, batch, steps, rounds = map(int, sys.argv[1:])
    torch.manual_seed(7)
    torch.set_num_threads(1)
    network = DeepLob(filters, inception, units, 3 * horizons)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    windows = torch.randn(batch, 1, window, 40)
    classes = torch.zeros(batch * horizons, dtype=torch.long)

    def seconds(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            optimizer.zero_grad()
            raw = network(windows).view(-1, 3)
            nn.functional.cross_entropy(raw, classes).backward()
            optimizer.step()
        return time.perf_counter() - start

    seconds(1)
    print(batch * steps / min(seconds(steps) for _ in range(rounds)))


if __name__ == "__main__":
    main()
