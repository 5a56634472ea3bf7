"""DeepLOB in PyTorch, layer for layer that of `atb.models.deeplob`, to compare speeds with."""

from __future__ import annotations

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
