"""What each drug targets: what compound table and knowledge graph name, and what similar molecules bind.

Annotation, the same for all models: it is made once, before a graph is merged or rewired, and reads no
signature.
"""

import logging

import polars as pl

from perturbkg import schemas
from perturbkg.drugs.imputation import impute
from perturbkg.errors import InputError
from perturbkg.graph.names import AMBIGUOUS, NONE, caseless, exact, find_nodes
from perturbkg.graph.types import DRUG_PROTEIN, GENE
from perturbkg.io.tallies import counted

_log = logging.getLogger(__name__)

STAGE = "impute_targets"
COLUMNS = list(schemas.Targets.to_schema().columns)
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
    tabled, matched, of_molecule = _named(drugs, library, nodes, edges)
    direct = [
        drugs.select("drug", molecule="drug")
        .join(tabled, on="molecule", maintain_order="left_right")
        .with_columns(source=pl.lit(schemas.COMPOUND_TABLE)),
        matched.with_columns(source=pl.lit(schemas.KNOWLEDGE_GRAPH)),
    ]
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
        .with_columns(source=pl.lit(schemas.SAME_MOLECULE))
    )
    one = pl.lit(1, pl.Int64)
    found = pl.concat([*direct, same], how="diagonal").with_columns(
        weight=one.cast(pl.Float64), similarity=one.cast(pl.Float64), neighbours=one
    )
    return found.select(COLUMNS), _counts(drugs, found)


def similar_targets(
    drugs: pl.DataFrame, library: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the schemas.Targets that are imputed to `drugs` from the `library`, and schemas.Counts.

    They are genes of the graph, weighed as `imputation.impute` says. A drug has them beside known targets.
    """
    _, _, of_molecule = _named(drugs, library, nodes, edges)
    molecules = library.drop("targets").join(
        of_molecule.filter(pl.col("target").is_not_null()), on="molecule", maintain_order="left_right"
    )
    if molecules.is_empty():
        _log.warning(
            "no molecule has a structure and a known target that is a gene of the graph, so no target is "
            "imputed; give structures (files.drug_text) or a compound table with targets"
        )
    found = impute(drugs, molecules).with_columns(source=pl.lit(schemas.SIMILAR_MOLECULES))
    kept = found["drug"].n_unique()
    drug_lines = [
        ("read", len(drugs)),
        ("no similar molecule with targets", len(drugs) - kept),
        ("kept", kept),
    ]
    return found.select(COLUMNS), pl.concat(
        [
            counted(STAGE, "molecules with known targets", [("kept", molecules["parent"].n_unique())]),
            counted(STAGE, "drugs with imputed targets", drug_lines),
            counted(STAGE, "imputed targets", [("kept", len(found))]),
        ]
    )


def _named(
    drugs: pl.DataFrame, library: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return molecule, target, symbol, match that the compound table names, and that all sources together do.

    Between them, what the graph names of the drugs that it has: the same columns, and drug.
    """
    tabled, linked = _tabled(library, nodes), _linked(nodes, edges)
    matched = drugs.select("drug", molecule="kg_node").join(
        linked, on="molecule", maintain_order="left_right"
    )
    as_molecule = matched.drop("molecule").rename({"drug": "molecule"})
    return tabled, matched, pl.concat([tabled, linked, as_molecule], how="diagonal")


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
                        for source in schemas.TARGET_SOURCES
                        if source != schemas.SIMILAR_MOLECULES
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
