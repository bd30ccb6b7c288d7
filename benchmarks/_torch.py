"""A SIREN in PyTorch as one would write it: what ours is compared with."""

import time

import numpy as np
import torch  # pyright: ignore[reportMissingImports] (the extra bench)

from .quality import siren_bounds, steps_to


class _Siren(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        sizes = [network.in_size, *[network.width] * (network.layers - 1), network.out_size]
        self.layers = torch.nn.ModuleList(
            torch.nn.Linear(sizes[i], sizes[i + 1]) for i in range(network.layers)
        )
        self.w0, self.offset = network.w0, network.output_offset
        for layer, bound in zip(self.layers, siren_bounds(network), strict=True):
            torch.nn.init.uniform_(layer.weight, -bound, bound)
            torch.nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sin(self.w0 * layer(x))
        return self.layers[-1](x) + self.offset


def times(sizes, lr: float, observation, decibels) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Seconds and steps of Adam until a picture is fitted so well."""
    points, values = (torch.from_numpy(np.array(part)) for part in (observation.p, observation.y))

    def losses(steps: int) -> np.ndarray:
        torch.manual_seed(0)
        network, found = _Siren(sizes.siren), []
        optimizer = torch.optim.Adam(network.parameters(), lr)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = torch.mean((network(points) - values) ** 2)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return np.array(found)

    every = losses(sizes.quality_steps)
    steps = tuple(steps_to(every, wanted) for wanted in decibels)
    seconds = []
    for count in steps:
        began = time.perf_counter()
        losses(max(count, 1))
        seconds.append(time.perf_counter() - began)
    return tuple(seconds), steps
