"""What each drug targets: what the compound table and the knowledge graph name, for it or for its molecule.

Annotation, the same for all models: it is made once, before a graph is merged or rewired.
"""

import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.graph.names import AMBIGUOUS, NONE, caseless, exact, find_nodes
from perturbkg.graph.types import DRUG_PROTEIN, GENE
from perturbkg.io.tallies import counted

STAGE = "impute_targets"
COMPOUND_TABLE, KNOWLEDGE_GRAPH, SAME_MOLECULE = "compound table", "knowledge graph", "same molecule"
EDGE = "edge"  # how a gene was found that the knowledge graph itself names
#: What a target is known by: its node, or its symbol where the graph has no such gene.
KEY = pl.coalesce("target", "symbol")
#: What a knowledge graph calls a protein that acts on a drug, and on many others: last word of a provenance.
HANDLERS = ["enzyme", "carrier", "transporter"]


def known_targets(
    drugs: pl.DataFrame, library: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the schemas.Targets that are known of `drugs`, and schemas.Counts.

    A drug has the targets that the compound table names, those of the drug of the knowledge graph that it
    is, and those of every other molecule of the `library` (schemas.Library) with its parent. ASSUME as in the
    splits: forms of one parent (salts, stereoisomers) are one drug. ASSUME that a protein which the graph
    calls nothing but a drug's enzyme, carrier or transporter is no target: it acts on the drug.
    """
    lost = drugs.join(library, left_on="drug", right_on="molecule", how="anti")
    if len(lost):
        raise InputError(f"drugs/library.parquet: no molecule {lost['drug'][0]!r}; run prepare_drugs again")
    tabled, linked = _tabled(library, nodes), _linked(nodes, edges)
    matched = drugs.select("drug", molecule="kg_node").join(
        linked, on="molecule", maintain_order="left_right"
    )
    direct = [
        drugs.select("drug", molecule="drug")
        .join(tabled, on="molecule", maintain_order="left_right")
        .with_columns(source=pl.lit(COMPOUND_TABLE)),
        matched.with_columns(source=pl.lit(KNOWLEDGE_GRAPH)),
    ]
    of_molecule = pl.concat(
        [tabled, linked, matched.drop("molecule").rename({"drug": "molecule"})], how="diagonal"
    )
    same = (
        drugs.select("drug", "parent")
        .join(library.select("molecule", "parent"), on="parent")
        .filter(pl.col("drug") != pl.col("molecule"))
        .join(of_molecule, on="molecule")
        .sort("drug", "molecule", "symbol")
        .join(
            pl.concat(direct, how="diagonal").select("drug", key=KEY),
            left_on=["drug", KEY],
            right_on=["drug", "key"],
            how="anti",
        )
        .unique(["drug", KEY], keep="first", maintain_order=True)
        .with_columns(source=pl.lit(SAME_MOLECULE))
    )
    one = pl.lit(1, pl.Int64)
    found = pl.concat([*direct, same], how="diagonal").with_columns(
        weight=one.cast(pl.Float64), similarity=one.cast(pl.Float64), neighbours=one
    )
    return found.select(list(schemas.Targets.to_schema().columns)), _counts(drugs, found)


def _tabled(library: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return molecule, target, symbol, match of the symbols that the compound table names."""
    named = library.select("molecule", symbol="targets").explode("symbol", empty_as_null=False)
    named = named.filter(pl.col("symbol") != "")
    genes = find_nodes(named["symbol"], nodes.filter(type=GENE), {"exact": exact, "caseless": caseless})
    return named.join(genes.rename({"name": "symbol", "node": "target"}), on="symbol", maintain_order="left")


def _linked(nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return molecule, target, symbol, match of the genes that the graph calls targets of its drugs."""
    genes = nodes.filter(type=GENE).select(target="node", symbol="name")
    roles = pl.col("provenance").str.split(";").list.eval(pl.element().str.split(":").list.last())
    stated = edges.filter(relation=DRUG_PROTEIN).filter(
        ~roles.list.eval(pl.element().is_in(HANDLERS)).list.all()
    )
    ways = [stated.select(molecule=one, target=other) for one, other in (("head", "tail"), ("tail", "head"))]
    found = pl.concat(ways).join(genes, on="target").unique(["molecule", "target"], maintain_order=True)
    return found.with_columns(match=pl.lit(EDGE))


def _counts(drugs: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Count the drugs with a target of each source, and the symbols that are no gene of the graph."""

    def of(source: str) -> int:
        return found.filter(source=source)["drug"].n_unique()

    return pl.concat(
        [
            counted(
                STAGE,
                "drugs with a known target",
                [
                    ("read", len(drugs)),
                    ("no target is known", len(drugs) - found["drug"].n_unique()),
                    ("kept", found["drug"].n_unique()),
                    *(
                        (f"of these: {source}", of(source))
                        for source in (COMPOUND_TABLE, KNOWLEDGE_GRAPH, SAME_MOLECULE)
                    ),
                ],
            ),
            counted(
                STAGE,
                "known targets",
                [
                    ("kept", len(found)),
                    *(
                        (f"of these: no gene of the graph ({match})", len(found.filter(match=match)))
                        for match in (NONE, AMBIGUOUS)
                    ),
                ],
            ),
        ]
    )
