"""The edges that the merged graph adds: one function for each relation, and why other edges were not made."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from perturbkg import schemas
from perturbkg.graph.names import AMBIGUOUS, NONE, find_nodes, normalised
from perturbkg.graph.types import CELL_LINE, DISEASE, GENE, LINCS_DRUG, node_id

_SHOWN = 5  # examples named in a reason


@dataclass(frozen=True)
class Added:
    """Edges of one added relation, and why others were not made."""

    edges: pl.DataFrame  # head, tail (node ids), provenance; weight (Float32) where edges have one
    removed: dict[str, int] = field(default_factory=dict)  # reason -> edges not made
    remarks: dict[str, int] = field(default_factory=dict)  # what else is worth knowing -> edges or cells


def ids(node_type: str, column: str) -> pl.Expr:
    """Return the node ids of a column of drugs or cells."""
    return pl.format(node_id(node_type, "{}"), pl.col(column))


def is_drug(drugs: pl.DataFrame) -> Added:
    """Join an L1000 drug with the drug of the knowledge graph that it is, as prepare_drugs matched it."""
    matched = drugs.filter(pl.col("kg_node").is_not_null())
    return Added(
        matched.select(
            head=ids(LINCS_DRUG, "drug"),
            tail="kg_node",
            provenance=pl.format("match:{}", pl.col("match").fill_null("unknown")),
        ),
        {"no drug of the knowledge graph matches": drugs.height - matched.height},
    )


def targets(found: pl.DataFrame, drugs: pl.DataFrame, edges: pl.DataFrame) -> Added:
    """Join an L1000 drug with its known targets (schemas.Targets)."""
    known = found.filter(pl.col("source") != schemas.SIMILAR_MOLECULES)
    made = known.filter(pl.col("target").is_not_null())
    # Such an edge says the same twice; it stays, because either relation may be switched off or ablated.
    pairs = made.join(drugs.select("drug", "kg_node"), on="drug").unique(["drug", "target"])
    matched = pairs["kg_node"].drop_nulls().unique().implode()
    of_drugs = edges.filter(pl.col("head").is_in(matched) | pl.col("tail").is_in(matched))
    ways = [["head", "tail"], ["tail", "head"]]
    repeated = sum(
        pairs.join(of_drugs, left_on=["kg_node", "target"], right_on=way, how="semi").height for way in ways
    )
    provenance = pl.col("source").replace_strict(
        {
            schemas.COMPOUND_TABLE: "compoundinfo:target",
            schemas.KNOWLEDGE_GRAPH: "kg:target",
            schemas.SAME_MOLECULE: "parent:target",
        }
    )
    of = pl.when(source=schemas.COMPOUND_TABLE).then(pl.lit("")).otherwise(pl.format(":{}", "molecule"))
    caseless = pl.when(match="caseless").then(pl.lit(":caseless")).otherwise(pl.lit(""))
    return Added(
        made.select(
            head=ids(LINCS_DRUG, "drug"),
            tail="target",
            provenance=pl.concat_str(provenance, caseless, of),
        ),
        _unmatched(known, "symbol", GENE),
        {"also an edge of the same drug in the knowledge graph": repeated},
    )


def similar_to_target(found: pl.DataFrame) -> Added:
    """Join an L1000 drug with the targets of molecules of similar structure (schemas.Targets), weighted."""
    similar = pl.col("source") == schemas.SIMILAR_MOLECULES
    made = found.filter(similar)
    unknown = made.join(found.filter(~similar), on="drug", how="anti").height
    what = pl.format("similar:{}:{}", "molecule", pl.col("similarity").round(3))
    return Added(
        made.select(
            head=ids(LINCS_DRUG, "drug"),
            tail="target",
            provenance=pl.format("{}:{}", what, "neighbours"),
            weight=pl.col("weight").cast(pl.Float32),
        ),
        remarks={"of a drug without a known target": unknown},
    )


def expresses(cells: pl.DataFrame, baseline: np.ndarray, genes: pl.Series, top: int) -> Added:
    """Join a cell line with the landmark genes that it expresses more than other cell lines do."""
    # ASSUME: what marks a cell line is what it expresses above the mean of the dataset's cell lines, in units
    # of their spread (a z-score of log2 expression), not what every cell expresses most (housekeeping genes).
    # ASSUME: a gene with the same value in all cell lines marks none of them.
    X = np.asarray(baseline, dtype=np.float64)
    spread = X.std(axis=0)
    specificity = np.divide(X - X.mean(axis=0), spread, out=np.zeros_like(X), where=spread > 0)
    best = np.argsort(-specificity, axis=1, kind="stable")[:, :top]  # ties: the order of the genes
    above = np.take_along_axis(specificity, best, axis=1) > 0
    cell, rank = np.nonzero(above)
    wanted = pl.DataFrame({"cell": cells["cell"].gather(cell), "tail": genes.gather(best[cell, rank])})
    made = wanted.filter(pl.col("tail").is_not_null())
    return Added(
        made.select(head=ids(CELL_LINE, "cell"), tail="tail", provenance=pl.lit("baseline:zscore")),
        {
            "not above the mean of the cell lines": int((~above).sum()),
            "no such gene in the knowledge graph, by Entrez id or symbol": wanted.height - made.height,
        },
    )


def of_disease(cells: pl.DataFrame, nodes: pl.DataFrame) -> Added:
    """Join a cell line with the one disease whose name is the cell line's disease, word for word."""
    # ASSUME: the source writes a disease as "carcinoma,ductal" and a lineage as "urinary tract,bladder", from
    # general to special; "bladder ductal carcinoma" is tried before "ductal carcinoma", and that before the
    # words in their own order. No word is left out, so a cell line without such a disease gets no edge.
    special_first = pl.col("disease").str.split(",").list.reverse().list.join(" ")
    named = cells.filter(normalised(pl.col("disease")) != "")
    phrases = named.select(
        "cell",
        phrase=pl.concat_list(
            pl.concat_str(
                pl.col("lineage").fill_null("").str.split(",").list.last(), special_first, separator=" "
            ),
            special_first,
            "disease",
        ),
    ).explode("phrase")
    diseases = find_nodes(phrases["phrase"], nodes.filter(type=DISEASE), {"normalised": normalised})
    found = (
        phrases.join(diseases, left_on="phrase", right_on="name", maintain_order="left")
        .with_columns(none=pl.col("match") == NONE)
        .sort("none", maintain_order=True)
        .unique("cell", keep="first", maintain_order=True)
    )
    found = named.select("cell").join(found, on="cell", maintain_order="left")
    return Added(
        found.filter(pl.col("node").is_not_null()).select(
            head=ids(CELL_LINE, "cell"), tail="node", provenance=pl.lit("cellinfo:disease:normalised")
        ),
        {"no disease named": cells.height - named.height, **_unmatched(found, "phrase", DISEASE)},
    )


def _unmatched(found: pl.DataFrame, name: str, node_type: str) -> dict[str, int]:
    """Count what found no node, and name the first few."""
    reasons = {}
    for match, text in ((NONE, "no node of this name"), (AMBIGUOUS, "several nodes of this name")):
        missing = found.filter(match=match)
        names = missing[name].unique().sort().to_list()
        shown = ", ".join(names[:_SHOWN]) + (
            f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        )
        reasons[f"{text} ({node_type})" + (f": {shown}" if names else "")] = missing.height
    return reasons
