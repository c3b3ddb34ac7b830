"""Collect what an encoder may read of each node: names, descriptions, structures, sequences, baselines."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rdkit import Chem, rdBase

from perturbkg.graph.types import CELL_LINE, DISEASE, DRUG, GENE, LINCS_DRUG, node_id
from perturbkg.io import delimited
from perturbkg.io.tallies import counted

STAGE = "collect_node_inputs"
DESCRIBED = ("text", "smiles", "sequence")  # modalities that a table of descriptions can have
MODALITIES = (*DESCRIBED, "baseline")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """Columns of a table that describes the nodes of one type by their names."""

    node_type: str
    name: str
    columns: dict[str, tuple[str, ...]]  # modality -> columns, of which the first that is not empty counts


# The modality tables of PrimeKG++ (hub data set tienda02/BioMedKG), by the file keys of the config.
LAYOUTS = {
    "drug_text": Layout(DRUG, "generic_name", {"text": ("description",), "smiles": ("smiles",)}),
    "disease_text": Layout(DISEASE, "mondo_name", {"text": ("mondo_definition", "umls_description")}),
    "protein_sequence": Layout(
        GENE, "protein_name", {"text": ("ncbi_summary",), "sequence": ("protein_seq",)}
    ),
}


def read_descriptions(key: str, path: str | Path) -> pl.DataFrame:
    """Read the columns that matter of a table (a key of `LAYOUTS`; CSV, plain or .gz) as text, and their row.

    Raises InputError for a missing column, and for a file that is empty, truncated or no CSV.
    """
    layout = LAYOUTS[key]
    columns = [column for several in layout.columns.values() for column in several]
    return delimited.read(Path(path), [layout.name, *columns], separator=",", quote='"', missing=("",))


def collect_inputs(
    graph_nodes: pl.DataFrame, drugs: pl.DataFrame, cells: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `NodeInputs` in the order of `GraphNodes`, and `Counts` of what was read and what is covered.

    A node is described by the row of its type's table that has its name, or else its name in another case.
    A drug, disease or gene without a description, and a node of any other type, has its name for a text.
    """
    tally: list[pl.DataFrame] = []
    nothing = pl.DataFrame(schema=dict.fromkeys(DESCRIBED, pl.String))
    described = [nothing.with_columns(type=pl.lit(""), name=pl.lit(""))]
    for key in sorted(tables):
        table, counts = _describe(key, tables[key])
        described.append(table)
        tally += counts
    known = pl.concat(described, how="diagonal")
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
        .pipe(_filled_by, _first_filled(known))
        .with_columns(original="name", **loose)
        .pipe(_filled_by, _first_filled(known.with_columns(**loose)))
        .with_columns(
            text=pl.when(pl.col("type") == CELL_LINE)
            .then("text")
            .otherwise(pl.coalesce("text", _filled("original")))
        )
        .select("node", "type", *MODALITIES)
    )
    return inputs, pl.concat([*tally, *_coverage(inputs)])


def _describe(key: str, table: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return type, name and modalities of the rows with a name, and `Counts`."""
    layout = LAYOUTS[key]
    named = table.select(
        "row",
        type=pl.lit(layout.node_type),
        name=_filled(layout.name),
        **{modality: pl.coalesce(*map(_filled, columns)) for modality, columns in layout.columns.items()},
    ).filter(pl.col("name").is_not_null())
    distinct = named["name"].n_unique()
    lines = [
        ("read", table.height),
        ("no name", table.height - named.height),
        ("name mentioned before (fills gaps only)", named.height - distinct),
        ("kept", distinct),
    ]
    counts = [counted(STAGE, key, lines)]
    if "smiles" in layout.columns:
        bad = named.filter(pl.col("smiles").is_in(_unreadable(named["smiles"])))
        for row, name, smiles in bad.select("row", "name", "smiles").iter_rows():
            _log.warning("%s: row %d: %s: SMILES %r cannot be read and is left out", key, row, name, smiles)
        counts.append(counted(STAGE, f"{key} SMILES", [("RDKit cannot read it", bad.height)]))
        named = named.with_columns(smiles=pl.when(~pl.col("row").is_in(bad["row"].implode())).then("smiles"))
    return named.drop("row"), counts


def _filled(column: str) -> pl.Expr:
    """Return a text column without outer spaces, null where nothing is left."""
    stripped = pl.col(column).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _unreadable(smiles: pl.Series) -> list[str]:
    """Return the distinct SMILES that RDKit cannot read."""
    with rdBase.BlockLogs():
        return [one for one in smiles.drop_nulls().unique().sort() if Chem.MolFromSmiles(one) is None]


def _first_filled(known: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each type and name: the first value of each modality that is not empty."""
    return known.group_by("type", "name").agg(pl.col(DESCRIBED).drop_nulls().first())


def _filled_by(nodes: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Fill the gaps of nodes with what is known under their type and name."""
    return (
        nodes.join(known, on=["type", "name"], how="left", maintain_order="left", suffix="_known")
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
