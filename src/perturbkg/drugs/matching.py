"""Find drugs in the knowledge graph: by parent molecule, then by cross-reference, then by name.

Precision comes first, for a wrong match gives a drug the targets of another: what is ambiguous is left out.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from perturbkg.drugs.standardise import Parent, alike

WAYS = ("inchikey", "xref", "name")


@dataclass(frozen=True)
class Drug:
    """What is known of a drug that may help to find it."""

    drug: str
    parent: Parent
    xref: tuple[str, ...]  # ids in the sources of the knowledge graph
    names: tuple[str, ...]  # its name and aliases


@dataclass(frozen=True)
class Node:
    """A drug node of the knowledge graph."""

    node: str
    source_id: str
    name: str
    parent: Parent | None  # null where its structure is not known


@dataclass(frozen=True)
class Match:
    """The node of a drug, or why it has no node."""

    kg_node: str | None
    match: str  # one of WAYS, or none
    candidates: int  # nodes that had its skeleton, its cross-reference or its name
    reason: str | None = None  # why there is no match


def normalise(name: str) -> str:
    """Reduce a name to letters and digits ("AT-9283" and "at9283" are one), "" if it says too little.

    ASSUME: names of fewer than 4 signs, or without a letter, are chance hits rather than names. Words of
    salts stay: without them, of ten more matches of a slice of LINCS six were of esters or of other drugs.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    short = "".join(sign for sign in plain if sign.isalnum())
    return short if len(short) >= 4 and any(sign.isalpha() for sign in short) else ""


def match(drugs: Iterable[Drug], nodes: Iterable[Node]) -> list[Match]:
    """Match each drug to one node or none.

    A way that finds several nodes, or another node than the way before it, leaves the choice to the next.
    A structure counts only if the stereochemistry does not differ. If the node's structure has another
    skeleton, cross-reference and name count only together. A name alone does not count if other molecules
    of the list have it too.
    """
    drugs, nodes = list(drugs), list(nodes)
    by_key, by_id, by_name = _index(nodes)
    parents = {node.node: node.parent for node in nodes}
    named = [{node for name in drug.names for node in by_name[normalise(name)]} for drug in drugs]
    owners = defaultdict(set, {node.node: {node.parent.key} for node in nodes if node.parent})
    for drug, found in zip(drugs, named, strict=True):
        for node in found:
            owners[node].add(drug.parent.key)
    return [
        _choose(
            drug.parent,
            parents,
            relatives=by_key[drug.parent.key],
            xref={node for source_id in drug.xref for node in by_id[source_id]},
            named=found,
            shared={node for node in found if len(owners[node]) > 1},
        )
        for drug, found in zip(drugs, named, strict=True)
    ]


def _index(nodes: Iterable[Node]) -> tuple[defaultdict[str, set[str]], ...]:
    """Index nodes by their parent's key, source id and normalised name."""
    by_key, by_id, by_name = (defaultdict[str, set[str]](set) for _ in WAYS)
    for node in nodes:
        if node.parent:
            by_key[node.parent.key].add(node.node)
        by_id[node.source_id].add(node.node)
        if name := normalise(node.name):
            by_name[name].add(node.node)
    return by_key, by_id, by_name


def _choose(
    parent: Parent,
    parents: dict[str, Parent | None],
    *,
    relatives: set[str],
    xref: set[str],
    named: set[str],
    shared: set[str],
) -> Match:
    """Return the one node that all ways leave.

    `relatives` have the drug's skeleton, `named` its name, `shared` a name that other molecules have too.
    """
    found = relatives | xref | named
    structures = {node: known for node in found if (known := parents[node]) is not None}
    same = {node for node in relatives if alike(parent, structures[node])}
    # Stereochemistry is often drawn wrongly, so one more way outweighs it; another skeleton needs two.
    sure = xref - (structures.keys() - relatives - named)
    # Where the structure of dexamethasone's node is not known, betamethasone's may be all that fits a vague
    # drawing of it; only cross-reference and name show that the graph has a node of its own for it.
    possible = (same & sure) or (same | sure)
    possible = (possible & named) or (possible | (named - shared))
    if possible <= same:
        # Nodes of one skeleton: the one drawn as this very compound, or else with its stereochemistry.
        for drawn in ("form", "inchikey"):
            equal = {n for n in possible if getattr(structures[n], drawn) == getattr(parent, drawn)}
            possible = equal or possible
    if len(possible) == 1:
        (node,) = possible
        way = "inchikey" if node in same else "xref" if node in xref else "name"
        return Match(node, way, len(found))
    if possible:
        reason = f"ambiguous: fits {', '.join(sorted(possible))}"
    elif shared:
        reason = f"ambiguous: other molecules have the name of {', '.join(sorted(shared))}"
    elif found:
        reason = f"ambiguous: the structure of {', '.join(sorted(found))} is another"
    else:
        reason = "no node has its structure, cross-reference or name"
    return Match(None, "none", len(found), reason)
