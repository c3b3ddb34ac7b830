"""Collect what an encoder may read of each node: names, descriptions, structures, sequences, baselines."""

import logging
from collections.abc import Mapping, Sequence

import polars as pl
from rdkit import Chem, rdBase

from perturbkg.errors import InputError
from perturbkg.graph.descriptions import LAYOUTS, Layout
from perturbkg.graph.types import CELL_LINE, LINCS_DRUG, node_id
from perturbkg.io.tallies import counted

STAGE = "collect_node_inputs"
DESCRIBED = ("text", "smiles", "sequence")  # modalities that a table of descriptions can have
MODALITIES = (*DESCRIBED, "baseline")
OWN = "descriptions of the knowledge graph"
_log = logging.getLogger(__name__)


def collect_inputs(
    graph_nodes: pl.DataFrame,
    drugs: pl.DataFrame,
    cells: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    *,
    nodes: pl.DataFrame | None = None,
    descriptions: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `NodeInputs` in the order of `GraphNodes`, and `Counts` of what was read and what is covered.

    A node is described by the row of its type's table that has its name, or else its name in another case;
    gaps are filled by that which has its index in `nodes` (the knowledge graph's `Nodes`), then by what the
    knowledge graph itself says of it (`Descriptions`). A drug, disease or gene without a description, and a
    node of any other type, has its name for a text.
    """
    nothing = pl.DataFrame(schema=dict.fromkeys(DESCRIBED, pl.String))
    named = [nothing.with_columns(type=pl.lit(""), name=pl.lit(""))]
    numbered = [nothing.with_columns(node=pl.lit(""))]
    tally: list[pl.DataFrame] = []
    for key in sorted(tables):
        layout = LAYOUTS[key]
        found, lines = _by_index(key, tables[key], nodes) if layout.by_index else _by_name(key, tables[key])
        table, unreadable = _without_bad_smiles(key, found)
        (numbered if layout.by_index else named).append(table)
        tally += [counted(STAGE, key, [("read", tables[key].height), *lines]), *unreadable]
    if descriptions is not None and descriptions.height:
        rows = descriptions.with_row_index("row")
        table, unreadable = _without_bad_smiles(OWN, rows)
        numbered.append(table)
        tally += [counted(STAGE, OWN, [("read", rows.height), ("kept", rows.height)]), *unreadable]
    by_name, by_node = pl.concat(named, how="diagonal"), pl.concat(numbered, how="diagonal")
    own = pl.concat(
        [
            nothing,
            drugs.select(node=pl.format(node_id(LINCS_DRUG, "{}"), "drug"), smiles="smiles"),
            cells.select(
                node=pl.format(node_id(CELL_LINE, "{}"), "cell"),
                text=_filled("description"),
                baseline=pl.int_range(pl.len(), dtype=pl.Int64),
            ),
        ],
        how="diagonal",
    )
    loose = {"name": pl.col("name").str.to_lowercase()}
    inputs = (
        graph_nodes.join(own, on="node", how="left", maintain_order="left")
        .pipe(_filled_by, by_name, ["type", "name"])
        .with_columns(original="name", **loose)
        .pipe(_filled_by, by_name.with_columns(**loose), ["type", "name"])
        .pipe(_filled_by, by_node, ["node"])
        .with_columns(
            text=pl.when(pl.col("type") == CELL_LINE)
            .then("text")
            .otherwise(pl.coalesce("text", _filled("original")))
        )
        .select("node", "type", *MODALITIES)
    )
    return inputs, pl.concat([*tally, *_coverage(inputs)])


def _by_name(key: str, table: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """Return row, type, name and modalities of the rows with a name, and lines of `Counts`."""
    layout = LAYOUTS[key]
    named = table.select(
        "row", type=pl.lit(layout.node_type), name=_filled(layout.key), **_modalities(layout)
    ).filter(pl.col("name").is_not_null())
    distinct = named["name"].n_unique()
    return named, [
        ("no name", table.height - named.height),
        ("name mentioned before (fills gaps only)", named.height - distinct),
        ("kept", distinct),
    ]


def _by_index(
    key: str, table: pl.DataFrame, nodes: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """Return row, node and modalities of the rows whose index a node has, and lines of `Counts`.

    Raises InputError where an index is that of a node of another type: then the numbers are another graph's.
    """
    layout = LAYOUTS[key]
    indexed = table.select("row", index=layout.key, **_modalities(layout)).drop_nulls("index")
    known = pl.DataFrame(schema={"index": pl.Int64, "node": pl.String, "type": pl.String})
    if nodes is not None:
        known = nodes.select("index", "node", "type").drop_nulls("index")
    found = indexed.join(known, on="index", maintain_order="left")
    other = found.filter(pl.col("type") != layout.node_type)
    if len(other):
        row, index, node = other.select("row", "index", "node").row(0)
        raise InputError(
            f"{key}: row {row}: {layout.key} {index} is {node!r}, no {layout.node_type} "
            f"({other.height} such rows); take table and knowledge graph from one release"
        )
    distinct = found["node"].n_unique()
    return found.drop("type", "index"), [
        ("no index", table.height - indexed.height),
        ("no node of this index in the knowledge graph", indexed.height - found.height),
        ("index mentioned before (fills gaps only)", found.height - distinct),
        ("kept", distinct),
    ]


def _modalities(layout: Layout) -> dict[str, pl.Expr]:
    """Return for each modality the first of its columns that is not empty."""
    return {modality: pl.coalesce(*map(_filled, columns)) for modality, columns in layout.columns.items()}


def _filled(column: str) -> pl.Expr:
    """Return a text column without outer spaces, null where nothing is left."""
    stripped = pl.col(column).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _without_bad_smiles(key: str, table: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Leave out SMILES that RDKit cannot read, each named in the log; return `Counts` if there are any."""
    if "smiles" not in table.columns:
        return table.drop("row"), []
    with rdBase.BlockLogs():
        distinct = table["smiles"].drop_nulls().unique().sort()
        unreadable = [one for one in distinct if Chem.MolFromSmiles(one) is None]
    bad = table.filter(pl.col("smiles").is_in(unreadable))
    who = "name" if "name" in table.columns else "node"
    for row, name, smiles in bad.select("row", who, "smiles").iter_rows():
        _log.warning("%s: row %d: %s: SMILES %r cannot be read and is left out", key, row, name, smiles)
    kept = pl.when(~pl.col("row").is_in(bad["row"].implode())).then("smiles")
    counts = counted(STAGE, f"{key} SMILES", [("RDKit cannot read it", bad.height)])
    return table.with_columns(smiles=kept).drop("row"), [counts]


def _filled_by(nodes: pl.DataFrame, known: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Fill the gaps of nodes with what is known of them: the first value of each modality."""
    first = known.group_by(on).agg(pl.col(DESCRIBED).drop_nulls().first())
    return (
        nodes.join(first, on=on, how="left", maintain_order="left", suffix="_known")
        .with_columns(pl.coalesce(modality, f"{modality}_known").alias(modality) for modality in DESCRIBED)
        .drop(f"{modality}_known" for modality in DESCRIBED)
    )


def _coverage(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Count for each type and modality the nodes that have something to encode, and those that have not."""
    by_type = inputs.group_by("type").agg(pl.len(), pl.col(MODALITIES).count()).sort("type")
    return [
        counted(
            STAGE,
            f"{row['type']} {modality}",
            [("present", row[modality]), ("absent", row["len"] - row[modality])],
        )
        for row in by_type.iter_rows(named=True)
        for modality in MODALITIES
        if row[modality]
    ]
