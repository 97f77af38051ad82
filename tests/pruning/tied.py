"""A small model with what makes checkpoints hard: a shared weight, two dtypes, a buffer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import pruneconf
from pruneconf.plan import Plan


class Tied(nn.Module):
    """An encoder whose embedding and head are one weight, between layers of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 8)
        self.hidden = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.narrow = nn.Linear(8, 8, bias=False, dtype=torch.bfloat16)
        self.head = nn.Linear(8, 12, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("steps", torch.tensor(3))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(torch.relu(self.hidden(self.embed(tokens))))
        return self.head(self.narrow(hidden.bfloat16()).float())


CONFIG = [
    {"op_types": ["Linear"], "total_sparsity": 0.6, "max_sparsity_per_layer": 0.7},
    {"op_names": ["embed", "head"], "sparsity_per_layer": 0.29},
]


def plan_of(model: nn.Module, config: list[dict[str, Any]]) -> Plan:
    return pruneconf.resolve(pruneconf.load(config), pruneconf.trace(model))
