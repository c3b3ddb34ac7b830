"""The edges that attention runs over, sorted by either end on first use and kept so."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Edges sorted by one end (CSR); within a row they keep the order they were given in."""

    start: Tensor  # (rows + 1,) int64: where each row begins
    other: Tensor  # (edges,) int32: the node at the other end
    place: Tensor  # (edges,) int32: the number of the edge as it was given


@dataclass(frozen=True)
class Edges:
    """A bipartite block of edges: messages go from `sources` nodes to `targets` nodes."""

    src: Tensor  # (edges,) int32 or int64, below sources
    dst: Tensor  # (edges,) int32 or int64, below targets
    sources: int
    targets: int
    # what a backend makes of the edges once and wants again
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what a kernel without bounds checks would read wrong."""
        if self.src.shape != self.dst.shape or self.src.dim() != 1:
            raise ValueError(f"sources {tuple(self.src.shape)} and targets {tuple(self.dst.shape)} differ")
        for name, ends, nodes in (("source", self.src, self.sources), ("target", self.dst, self.targets)):
            if len(ends) and not 0 <= int(ends.min()) <= int(ends.max()) < nodes:
                raise ValueError(f"a {name} lies outside its {nodes} nodes")

    def __len__(self) -> int:
        """Count the edges."""
        return len(self.src)

    def on(self, device: torch.device) -> "Edges":
        """Return the edges on a device: self if already there, else a copy that is made once."""
        if self.src.device == device:
            return self
        if device not in self.kept:
            self.kept[device] = Edges(self.src.to(device), self.dst.to(device), self.sources, self.targets)
        return self.kept[device]

    def expect_codes(self, relation: Tensor, relations: int) -> None:
        """Raise ValueError for a relation (edges,) outside 0 to `relations` - 1; read once per tensor."""
        known = self.kept.get("codes")
        if known is None or known[0] is not relation:
            ends = (int(relation.min()), int(relation.max())) if len(relation) else (0, -1)
            self.kept["codes"] = known = (relation, *ends)
        if known[1] < 0 or known[2] >= relations:
            raise ValueError(f"a relation lies outside 0 to {relations - 1}")

    @cached_property
    def by_target(self) -> Rows:
        """Return one row of incoming edges for each target."""
        return _rows(self.dst, self.src, self.targets)

    @cached_property
    def by_source(self) -> Rows:
        """Return one row of outgoing edges for each source: the transposed graph."""
        return _rows(self.src, self.dst, self.sources)


def _rows(own: Tensor, other: Tensor, count: int) -> Rows:
    start = own.new_zeros(count + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(own, minlength=count), dim=0, out=start[1:])
    if bool((own[1:] >= own[:-1]).all()):
        place = torch.arange(len(own), device=own.device)
    else:
        place = torch.argsort(own, stable=True)
    index = torch.int32 if max(len(own), count) < 2**31 else torch.int64
    return Rows(start, other[place].to(index), place.to(index))
