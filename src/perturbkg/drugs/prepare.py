"""Make the tables Drugs and Matches from the compounds of a selection; what cannot be used is listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perturbkg.drugs.matching import WAYS, Drug, Match, Node, match
from perturbkg.drugs.standardise import standardise
from perturbkg.errors import InputError
from perturbkg.io.delimited import given, read
from perturbkg.io.scripting import progress
from perturbkg.io.tallies import counted, excluded

STAGE = "prepare_drugs"
DRUG_TEXT = {"drug_text": "drug texts and structures, drug_feature_base.csv of PrimeKG++"}


@dataclass(frozen=True)
class Prepared:
    """The tables of the same names in perturbkg.schemas."""

    drugs: pl.DataFrame
    matches: pl.DataFrame
    counts: pl.DataFrame
    exclusions: pl.DataFrame


def prepare(
    compounds: pl.DataFrame, used: pl.Series, nodes: pl.DataFrame, files: Mapping[str, Path]
) -> Prepared:
    """Standardise the compounds that occur in `used` and match them to the drug nodes of the graph.

    `compounds` is Compounds.table of a signature source, `nodes` meets schemas.Nodes, and `files` may
    hold drug_text, which gives structures to nodes.
    """
    table = compounds.filter(pl.col("drug").is_in(used.unique().implode())).sort("drug")
    parents, failures = _parents(table.select("row", "smiles", item="drug"))
    if parents.is_empty():
        raise InputError(f"compounds: none of {len(table)} has a usable structure; check canonical_smiles")
    # Tautomers that met the limit can give one parent two scaffolds, which would cut it in a scaffold split.
    parents = parents.with_columns(pl.col("scaffold").first().over("parent"))
    table = table.drop("smiles").join(parents, left_on="drug", right_on="item").sort("drug")
    structures, unusable = _structures(nodes, files)
    found = match(
        [
            Drug(row["drug"], row["parent"], tuple(row["xref"]), (row["name"], *row["aliases"]))
            for row in table.iter_rows(named=True)
        ],
        [
            Node(row["node"], row["source_id"], row["name"], structures.get(row["name"]))
            for row in nodes.filter(type="drug").iter_rows(named=True)
        ],
    )
    table = table.with_columns(
        pl.Series(name, [getattr(each, name) for each in found], pl.String)
        for name in ("kg_node", "match", "reason")
    )
    ambiguous = table.filter(pl.col("reason").is_not_null()).select("row", "reason", item="drug")
    kinds = (
        failures.select(pl.col("reason").str.extract("^[^:]*", 0)).to_series().value_counts().sort("reason")
    )
    unknown = used.n_unique() - len(table) - len(failures)
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
        matches=table.select("drug", "kg_node", "match"),
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
                _found(found),
            ]
        ),
        exclusions=pl.concat(
            [
                excluded(STAGE, "drugs", failures),
                excluded(STAGE, "matches", ambiguous),
                excluded(STAGE, "structures of the knowledge graph", unusable),
            ]
        ),
    )


def _parents(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Standardise (item, row, smiles); return (item, smiles, parent, scaffold) and (item, row, reason)."""
    good, bad = [], []
    for item, row, smiles in progress(table.select("item", "row", "smiles").rows(), desc="molecules"):
        try:
            parent = standardise(smiles or "")
        except ValueError as error:
            bad.append((item, row, str(error)))
        else:
            good.append((item, parent.smiles, parent.key, parent.scaffold))
    return (
        pl.DataFrame(good, dict.fromkeys(("item", "smiles", "parent", "scaffold"), pl.String), orient="row"),
        pl.DataFrame(bad, {"item": pl.String, "row": pl.Int64, "reason": pl.String}, orient="row"),
    )


def _structures(nodes: pl.DataFrame, files: Mapping[str, Path]) -> tuple[dict[str, str], pl.DataFrame]:
    """Return name -> parent of the drug nodes that drug_text gives a structure, and what it gives in vain."""
    if not files.get("drug_text"):
        return {}, _parents(pl.DataFrame(schema={"item": pl.String, "row": pl.Int64, "smiles": pl.String}))[1]
    path = given(files, "drug_text", DRUG_TEXT)
    table = read(path, ["generic_name", "smiles"], separator=",", quote='"').drop_nulls()
    names = nodes.filter(type="drug")["name"].unique()
    # A name with two structures belongs to neither.
    table = table.filter(
        pl.col("generic_name").is_in(names.implode()), pl.col("smiles").n_unique().over("generic_name") == 1
    ).unique("generic_name", keep="first", maintain_order=True)
    parents, unusable = _parents(table.select("row", "smiles", item="generic_name"))
    return dict(parents.select("item", "parent").iter_rows()), unusable


def _found(matches: list[Match]) -> pl.DataFrame:
    """Count how drugs were found in the knowledge graph, and why others were not."""
    ways = {way: sum(each.match == way for each in matches) for way in WAYS}
    ambiguous = sum(each.reason is not None for each in matches)
    return counted(
        STAGE,
        "drugs in the knowledge graph",
        [
            ("read", len(matches)),
            ("ambiguous", ambiguous),
            ("not found", len(matches) - ambiguous - sum(ways.values())),
            *((f"found by {way}", count) for way, count in ways.items()),
            ("kept", sum(ways.values())),
        ],
    )
