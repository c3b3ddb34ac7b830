"""What the tables of all CMap releases share: landmark genes, filtering, compounds and cell lines."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.delimited import MISSING, identified, numbers, read
from perturbkg.io.tallies import counted, excluded
from perturbkg.signatures import Compounds, Genes, Selected
from perturbkg.signatures._fields import known, members, read_table, withheld
from perturbkg.signatures._filters import Filters
from perturbkg.signatures._gctx import in_matrix

STAGE = "select_signatures"
LANDMARKS = 978
UNKNOWN = (*MISSING, "unknown", "Unknown")


def landmark_genes(path: Path, gene: str, symbol: str, column: str, value: str) -> Genes:
    """Return the 978 genes whose `column` is `value`, by ascending Entrez id."""
    table = read_table(path, [gene, symbol, column])
    landmarks = identified(table.filter(pl.col(column) == value), gene, path)
    if len(landmarks) != LANDMARKS:
        raise InputError(
            f"{path}: {len(landmarks)} genes with {column} {value!r}, expected {LANDMARKS}; "
            "give the L1000 gene table"
        )
    landmarks = identified(landmarks, symbol, path)
    # Not the text: as text 10007 sorts before 1001.
    landmarks = numbers(landmarks.with_columns(entrez=gene), ["entrez"], path).sort("entrez")
    return Genes(landmarks[gene].to_list(), landmarks[symbol].to_list())


def filtered(
    table: pl.DataFrame,
    path: Path,
    wanted: Filters,
    *,
    cells: tuple[Path, str],
    compounds: tuple[Path, str],
    named: Mapping[str, str] = MappingProxyType({}),
    reader: Callable[[Path, Sequence[str]], pl.DataFrame] = read_table,
) -> Selected:
    """Filter a signature table; each filter counts what it removed of what those before it left.

    `table` has the columns that `read_siginfo` returns, `cells` and `compounds` are the table and the id
    column in which a signature's cell line and drug must occur, which `reader` reads, and `named` is as
    `Filters.steps` says.
    """
    known_cells, known_drugs = (
        reader(known, [column])[column].drop_nulls().unique() for known, column in (cells, compounds)
    )
    for cell in sorted(set(wanted.cells) - set(known_cells)):
        raise InputError(f"filters.cells: unknown cell line {cell!r}; {cells[0]} has no such row")
    unknown = [
        ("cell line is not in the cell table", pl.col("cell").is_in(known_cells.implode())),
        ("compound is not in the compound table", pl.col("drug").is_in(known_drugs.implode())),
    ]
    counts, exclusions = [("read", len(table))], []
    for reason, keep in wanted.steps(table, path, named) + unknown:
        rows, table = table.filter(~keep.fill_null(False)), table.filter(keep)
        count = len(rows)
        counts.append((reason, count))
        if any(reason == other for other, _ in unknown):
            removed = rows.select("row", item="signature", reason=pl.lit(reason))
            exclusions.append(excluded(STAGE, "signatures", removed))
        if table.is_empty():
            there = _values(rows, keep)
            raise InputError(
                f"{path}: no signature is left: {reason} in the last {count}, where {there}; see filters"
            )
    counts.append(("kept", len(table)))
    selection = table.sort("signature").select(list(schemas.Selection.to_schema().columns))
    return Selected(selection, counted(STAGE, "signatures", counts), pl.concat(exclusions))


def _values(rows: pl.DataFrame, keep: pl.Expr) -> str:
    """Show the commonest values of the column that a filter reads."""
    (column,) = set(keep.meta.root_names())
    found = rows[column].drop_nulls().value_counts(sort=True).head(3).rows()
    shown = ", ".join(f"{value} ({count})" for value, count in found)
    return f"{column} is {shown or 'empty'}"


def measured(gctx: Path, selection: pl.DataFrame, label: str) -> Selected:
    """Keep the signatures that the matrix holds, and list the others: people cut 35 GB to what they need."""
    held = in_matrix(gctx, selection["signature"])
    lost, kept = selection.filter(~held), selection.filter(held)
    what, reason = f"{label} signatures", "not in the matrix"
    counts = [("read", len(selection)), (reason, len(lost)), ("kept", len(kept))]
    listed = lost.select(item="signature", row=None, reason=pl.lit(reason))
    return Selected(kept, counted("read_signatures", what, counts), excluded("read_signatures", what, listed))


def gathered(table: pl.DataFrame, path: Path, xref: pl.DataFrame) -> Compounds:
    """Gather the rows of each compound: pert_id, name, canonical_smiles, inchi_key, alias, target, withheld.

    The first SMILES of a compound is kept; rows that disagree with it are listed. The first name is its name,
    further ones are aliases. `xref` is `read_xref`'s.
    """
    nameless = table.filter(pl.col("pert_id").is_null())
    if len(nameless):
        raise InputError(f"{path}: row {nameless['row'][0]}: no pert_id; fix or remove the row")
    names = pl.col("name").drop_nulls()
    compounds = (
        table.group_by("pert_id", maintain_order=True)
        .agg(
            name=names.first(),
            smiles=pl.col("canonical_smiles").drop_nulls().first(),
            inchikey=pl.col("inchi_key").drop_nulls().first(),
            aliases=values("alias").append(names.filter(names != names.first())).unique().sort(),
            targets=values("target"),
            row=pl.col("row").first(),
            withheld=pl.col("withheld").any(),
        )
        .rename({"pert_id": "drug"})
        .with_columns(name=pl.coalesce("name", "drug"))
    )
    first = table.join(compounds.select("drug", "smiles"), left_on="pert_id", right_on="drug")
    others = first.filter(pl.col("canonical_smiles") != pl.col("smiles")).select(
        "row",
        item=pl.format("{} {}", "pert_id", "canonical_smiles"),
        reason=pl.lit("differs from the first SMILES of this compound, which is kept"),
    )
    return Compounds(
        compounds.join(xref, on="drug", how="left", maintain_order="left")
        .with_columns(pl.col("xref").fill_null([]))
        .select("drug", "name", "smiles", "inchikey", "aliases", "targets", "xref", "row"),
        excluded("prepare_drugs", "structures", others.sort("row")),
        frozenset(compounds.filter(pl.col("withheld") & pl.col("smiles").is_null())["drug"]),
    )


def read_compounds(path: Path, required: Sequence[str], optional: Sequence[str]) -> pl.DataFrame:
    """Read a compound table with the column canonical_smiles; `withheld` says that its owner withholds it."""
    table = read(path, required, optional)
    hidden = withheld(pl.col("canonical_smiles"))
    return table.with_columns(known(pl.col(pl.String)), withheld=hidden)


def read_xref(path: Path | None) -> pl.DataFrame:
    """Read drug -> DrugBank ids (xref), where such a table is given."""
    if path is None:
        return pl.DataFrame(schema={"drug": pl.String, "xref": pl.List(pl.String)})
    table = tables.read(path, ["pert_id", "drugbank_id"], ids=["pert_id"])
    return (
        table.drop_nulls()
        .group_by("pert_id")
        .agg(xref=pl.col("drugbank_id").unique().sort())
        .rename({"pert_id": "drug"})
    )


def values(column: str) -> pl.Expr:
    """Collect the values of a group, sorted and once each; some releases put several in one field."""
    return members(pl.col(column).drop_nulls()).explode().unique().sort().drop_nulls()


def described(table: pl.DataFrame) -> pl.DataFrame:
    """Compose what is known of each cell line into a sentence for a text encoder, null if nothing is.

    `table` has row, cell, cell_type, lineage, disease and subtype; ccle_name passes through where known.
    """
    labels = {"Type": "cell_type", "Lineage": "lineage", "Disease": "disease", "Subtype": "subtype"}
    known = [
        pl.format(f"{label}: {{}}.", pl.col(column).str.replace_all(",\\s*", ", "))
        for label, column in labels.items()
    ]
    nothing = pl.all_horizontal(pl.col(list(labels.values())).is_null())
    sentence = pl.concat_str(pl.format("Cell line {}.", "cell"), *known, separator=" ", ignore_nulls=True)
    table = table.with_columns(description=pl.when(~nothing).then(sentence))
    also = [name for name in ("ccle_name",) if name in table.columns and table[name].count()]
    return table.select("row", "cell", "lineage", "disease", "description", *also)
