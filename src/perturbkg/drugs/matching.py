"""Find drugs in the knowledge graph: by parent molecule, then by cross-reference, then by name.

Precision comes first, for a wrong match gives a drug the targets of another: what is ambiguous is left out.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

WAYS = ("inchikey", "xref", "name")


@dataclass(frozen=True)
class Drug:
    """What is known of a drug that may help to find it."""

    drug: str
    parent: str  # first block of the parent's InChIKey
    xref: tuple[str, ...]  # ids in the sources of the knowledge graph
    names: tuple[str, ...]  # its name and aliases


@dataclass(frozen=True)
class Node:
    """A drug node of the knowledge graph."""

    node: str
    source_id: str
    name: str
    parent: str | None  # null where its structure is not known


@dataclass(frozen=True)
class Match:
    """The node of a drug, or why there is none."""

    kg_node: str | None
    match: str  # one of WAYS, or none
    reason: str | None = None  # why an ambiguous match was left out


def normalise(name: str) -> str:
    """Reduce a name to letters and digits ("AT-9283" and "at9283" are one), "" if it says too little.

    ASSUME: names of fewer than 4 signs, or without a letter, are chance hits rather than names.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    short = "".join(sign for sign in plain if sign.isalnum())
    return short if len(short) >= 4 and any(sign.isalpha() for sign in short) else ""


def match(drugs: Iterable[Drug], nodes: Iterable[Node]) -> list[Match]:
    """Match each drug to one node or none.

    A way that finds several nodes, or another node than the way before it, leaves the choice to the next.
    A name alone does not find a node where molecules that differ have that name: other drugs of the list,
    or the node's own structure.
    """
    drugs, nodes = list(drugs), list(nodes)
    by_parent, by_id, by_name = _index(nodes)
    named = [{node for name in drug.names for node in by_name[normalise(name)]} for drug in drugs]
    bearers = defaultdict(set, {node.node: {node.parent} for node in nodes if node.parent})
    for drug, found in zip(drugs, named, strict=True):
        for node in found:
            bearers[node].add(drug.parent)
    return [
        _choose(
            by_parent[drug.parent],
            {node for source_id in drug.xref for node in by_id[source_id]},
            found,
            {node for node in found if len(bearers[node]) > 1},
        )
        for drug, found in zip(drugs, named, strict=True)
    ]


def _index(nodes: Iterable[Node]) -> tuple[defaultdict[str, set[str]], ...]:
    """Index nodes by parent, source id and normalised name."""
    by_parent, by_id, by_name = (defaultdict[str, set[str]](set) for _ in WAYS)
    for node in nodes:
        if node.parent:
            by_parent[node.parent].add(node.node)
        by_id[node.source_id].add(node.node)
        if name := normalise(node.name):
            by_name[name].add(node.node)
    return by_parent, by_id, by_name


def _choose(same: set[str], xref: set[str], named: set[str], shared: set[str]) -> Match:
    """Return the one node that is left when every way has spoken.

    `same` have the drug's parent, `named` its name, `shared` a name that other molecules have too.
    """
    # The key of a parent is blind to stereochemistry: betamethasone is found for dexamethasone, and only
    # cross-reference and name tell that the graph has a node of its own for it.
    possible = (same & xref) or (same | xref)
    possible = (possible & named) or (possible | (named - shared))
    if len(possible) == 1:
        (node,) = possible
        way = "inchikey" if node in same else "xref" if node in xref else "name"
        return Match(node, way)
    if possible:
        return Match(None, "none", f"ambiguous: fits {', '.join(sorted(possible))}")
    if shared:
        return Match(None, "none", f"ambiguous: other molecules have the name of {', '.join(sorted(shared))}")
    return Match(None, "none")
