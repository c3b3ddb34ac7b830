"""Read the tables that describe nodes (keys of `TEXT_FILES`): PrimeKG++'s by name, PrimeKG's own by index."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perturbkg.errors import InputError
from perturbkg.graph.types import DISEASE, DRUG, GENE
from perturbkg.io import delimited


@dataclass(frozen=True)
class Layout:
    """Columns of a table that describes the nodes of one type."""

    node_type: str
    key: str  # column that says which node: its name
    columns: dict[str, tuple[str, ...]]  # modality -> columns, of which the first that is not empty counts
    by_index: bool = False  # the key is Nodes.index instead


LAYOUTS = {
    "drug_text": Layout(DRUG, "generic_name", {"text": ("description",), "smiles": ("smiles",)}),
    "disease_text": Layout(DISEASE, "mondo_name", {"text": ("mondo_definition", "umls_description")}),
    "protein_sequence": Layout(
        GENE, "protein_name", {"text": ("ncbi_summary",), "sequence": ("protein_seq",)}
    ),
    "drug_features": Layout(
        DRUG,
        "node_index",
        {"text": ("description", "mechanism_of_action", "pharmacodynamics", "indication")},
        by_index=True,
    ),
    "disease_features": Layout(
        DISEASE,
        "node_index",
        {"text": ("mondo_definition", "umls_description", "orphanet_definition", "mayo_symptoms")},
        by_index=True,
    ),
}
# Dataverse serves tables tab separated, text between quotation marks, and these signs behind a backslash.
ESCAPED = {r"\"": '"', r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\\": "\\"}


def read_descriptions(key: str, path: str | Path) -> pl.DataFrame:
    """Read the columns that matter of a table (a key of `LAYOUTS`) as text, and their row.

    The table is CSV, or tab-separated as Dataverse exports it, recognised by its header. Raises InputError
    for a missing column, an index that is not a whole number, and a file that is empty, truncated or of
    another kind.
    """
    layout, path = LAYOUTS[key], Path(path)
    columns = [layout.key, *(column for several in layout.columns.values() for column in several)]
    table = delimited.read(path, columns, missing=("",))
    if delimited.dialect(path).quote is None:
        table = table.with_columns(pl.coalesce(_unquoted(column), column) for column in columns)
    return _indexed(table, layout.key, path) if layout.by_index else table


def _unquoted(column: str) -> pl.Expr:
    """Return the text between quotation marks, null where there are none."""
    return pl.col(column).str.extract(r'^"(.*)"$').str.replace_many(ESCAPED, leftmost=True).alias(column)


def _indexed(table: pl.DataFrame, key: str, path: Path) -> pl.DataFrame:
    """Return the table with its key as Int64; a table that went through a spreadsheet writes 5 as 5.0."""
    index = pl.col(key).str.strip_chars().str.extract(r"^(\d{1,18})(?:\.0*)?$").cast(pl.Int64)
    wrong = table.filter(pl.col(key).is_not_null() & index.is_null())
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong['row'][0]}: {key} is {wrong[key][0]!r}, not a whole number; fix the row"
        )
    return table.with_columns(index)
