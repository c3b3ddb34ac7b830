"""Make the tables Drugs, Matches and Library from compounds; what cannot be used is listed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perturbkg.drugs.matching import WAYS, Drug, Match, Node, match
from perturbkg.drugs.standardise import Parent, standardise_all
from perturbkg.errors import InputError
from perturbkg.io.delimited import given, read
from perturbkg.io.tallies import counted, excluded

STAGE = "prepare_drugs"
DRUG_TEXT = {"drug_text": "drug texts and structures, drug_feature_base.csv of PrimeKG++"}
WITHHELD = "structure withheld by its owner"
PARENT = {"smiles": "smiles", "parent": "key", "scaffold": "scaffold"}  # column: field of Parent


@dataclass(frozen=True)
class Prepared:
    """The tables of the same names in perturbkg.schemas."""

    drugs: pl.DataFrame
    matches: pl.DataFrame
    library: pl.DataFrame
    counts: pl.DataFrame
    exclusions: pl.DataFrame


def prepare(
    compounds: pl.DataFrame,
    used: pl.Series,
    nodes: pl.DataFrame,
    files: Mapping[str, Path],
    *,
    descriptions: pl.DataFrame | None = None,
    withheld: Collection[str] = (),
    threads: int = 1,
) -> Prepared:
    """Standardise the compounds that occur in `used` and match them to the drug nodes of the graph.

    `compounds` and `withheld` are those of signatures.Compounds, and `nodes` meets schemas.Nodes. Structures
    of nodes are those of `descriptions` (schemas.Descriptions), else those of the file drug_text, if given.
    """
    table = compounds.filter(pl.col("drug").is_in(used.unique().implode())).sort("drug")
    structures = _structures(nodes, files, descriptions)
    # Compounds without a signature say what molecules like them may bind.
    others = (
        compounds.filter(pl.col("targets").list.len() > 0).join(table, on="drug", how="anti").sort("drug")
    )
    found = standardise_all(
        [*structures["smiles"], *pl.concat([table, others])["smiles"].fill_null("")], threads
    )
    failures, unread = (
        _failures(rows.select("row", "smiles", item="drug"), found).with_columns(
            reason=pl.when(pl.col("item").is_in(list(withheld))).then(pl.lit(WITHHELD)).otherwise("reason")
        )
        for rows in (table, others)
    )
    unusable = _failures(structures, found)
    parents = {smiles: parent for smiles, parent in found.items() if isinstance(parent, Parent)}
    library, library_counts = _library(pl.concat([table, others]), structures, parents)
    unknown = used.n_unique() - len(table)
    table = table.filter(~pl.col("drug").is_in(failures["item"].implode()))
    if table.is_empty():
        why = (
            f"first {failures['item'][0]}: {failures['reason'][0]}"
            if len(failures)
            else "none is in the table"
        )
        raise InputError(
            f"compounds: none of {len(failures)} has a usable structure ({why}); check canonical_smiles"
        )
    drugs = [
        Drug(row["drug"], parents[row["smiles"]], tuple(row["xref"]), (row["name"], *row["aliases"]))
        for row in table.iter_rows(named=True)
    ]
    drawn = dict(structures.select("node", "smiles").iter_rows())
    matches = match(
        drugs,
        [
            Node(node, source_id, name, parents.get(drawn.get(node, "")))
            for node, source_id, name in nodes.filter(type="drug").select("node", "source_id", "name").rows()
        ],
    )
    table = table.with_columns(
        *(_column(name, [getattr(drug.parent, key) for drug in drugs]) for name, key in PARENT.items()),
        *(_column(key, [getattr(each, key) for each in matches]) for key in ("kg_node", "match", "reason")),
        pl.Series("candidates", [each.candidates for each in matches], pl.Int64),
    )
    # Tautomers that met the limit can give one parent two scaffolds, which would cut it in a scaffold split.
    table = table.with_columns(pl.col("scaffold").first().over("parent"))
    ambiguous = table.filter(pl.col("kg_node").is_null(), pl.col("candidates") > 0)
    kinds = (
        failures.select(pl.col("reason").str.extract("^[^:]*", 0)).to_series().value_counts().sort("reason")
    )
    names = nodes.select(kg_node="node", kg_name="name")
    return Prepared(
        drugs=table.select(
            "drug",
            "name",
            "smiles",
            "parent",
            "scaffold",
            "targets",
            "kg_node",
            match=pl.when(pl.col("kg_node").is_not_null()).then("match"),
        ),
        matches=table.join(names, on="kg_node", how="left", maintain_order="left").select(
            "drug", "name", "kg_node", "kg_name", "match", "candidates", "reason"
        ),
        library=library,
        counts=pl.concat(
            [
                counted(
                    STAGE,
                    "drugs",
                    [
                        ("read", used.n_unique()),
                        ("not in the compound table", unknown),
                        *kinds.rows(),
                        ("kept", len(table)),
                    ],
                ),
                counted(STAGE, "parent molecules", [("kept", table["parent"].n_unique())]),
                _ways(matches),
                library_counts,
            ]
        ),
        exclusions=pl.concat(
            [
                excluded(STAGE, "drugs", failures),
                excluded(STAGE, "matches", ambiguous.select("row", "reason", item="drug")),
                excluded(STAGE, "structures of the knowledge graph", unusable),
                excluded(STAGE, "structures of compounds without a signature", unread),
            ]
        ),
    )


def _structures(
    nodes: pl.DataFrame, files: Mapping[str, Path], descriptions: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the drug nodes whose structure is known: node, smiles, item and row (of the file, or null)."""
    drugs = nodes.filter(type="drug").select("node", "name")
    columns = {"node": pl.String, "smiles": pl.String, "item": pl.String, "row": pl.Int64}
    known = pl.DataFrame(schema=columns)
    if descriptions is not None:
        own = descriptions.drop_nulls("smiles").join(drugs, on="node", how="semi")
        known = own.select("node", "smiles", item="node", row=pl.lit(None, pl.Int64))
    if not files.get("drug_text"):
        return known
    path = given(files, "drug_text", DRUG_TEXT)
    table = read(path, ["generic_name", "smiles"]).drop_nulls()
    # A name with two structures belongs to neither.
    table = table.filter(pl.col("smiles").n_unique().over("generic_name") == 1)
    table = table.unique("generic_name", keep="first", maintain_order=True)
    of_nodes = table.join(drugs, left_on="generic_name", right_on="name", maintain_order="left_right")
    of_nodes = of_nodes.select("node", "smiles", item="generic_name", row="row")
    return pl.concat([known, of_nodes.join(known, on="node", how="anti", maintain_order="left")])


def _library(
    compounds: pl.DataFrame, structures: pl.DataFrame, parents: Mapping[str, Parent]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the schemas.Library of compounds and of drugs of the graph, and lines of schemas.Counts."""
    drawn = pl.concat(
        [
            compounds.select("smiles", "targets", molecule="drug"),
            structures.select("smiles", pl.lit([], pl.List(pl.String)).alias("targets"), molecule="node"),
        ]
    )
    kept = drawn.filter(pl.col("smiles").is_in(parents))
    found = [parents[smiles] for smiles in kept["smiles"]]
    library = kept.select(
        "molecule",
        _column("smiles", [parent.smiles for parent in found]),
        _column("parent", [parent.key for parent in found]),
        "targets",
    )
    lines = [("read", len(drawn)), ("no usable structure", len(drawn) - len(kept)), ("kept", len(kept))]
    return library.sort("molecule"), counted(STAGE, "molecules whose targets may be known", lines)


def _failures(table: pl.DataFrame, found: Mapping[str, Parent | str]) -> pl.DataFrame:
    """Return item, row and reason of those that have no parent; each item once."""
    results = [found[smiles or ""] for smiles in table["smiles"]]
    lost = table.with_columns(
        _column("reason", [each if isinstance(each, str) else None for each in results])
    )
    lost = lost.filter(pl.col("reason").is_not_null()).unique("item", keep="first", maintain_order=True)
    return lost.select("item", "row", "reason")


def _column(name: str, values: list[str | None]) -> pl.Series:
    return pl.Series(name, values, pl.String)


def _ways(matches: list[Match]) -> pl.DataFrame:
    """Count how drugs were found in the knowledge graph, and why others were not."""
    ways = {way: sum(each.match == way for each in matches) for way in WAYS}
    ambiguous = sum(each.kg_node is None and each.candidates > 0 for each in matches)
    return counted(
        STAGE,
        "drugs in the knowledge graph",
        [
            ("read", len(matches)),
            ("ambiguous", ambiguous),
            ("not found", len(matches) - ambiguous - sum(ways.values())),
            ("kept", sum(ways.values())),
            *((f"of these: found by {way}", count) for way, count in ways.items()),
        ],
    )
