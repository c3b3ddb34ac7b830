"""Load what a model is given: the tables of the rules before it become `Data`, a fold becomes its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

from perturbkg import schemas
from perturbkg.data import Data, Pairs, Signatures
from perturbkg.drugs.fingerprints import fingerprints
from perturbkg.drugs.scaffolds import scaffold_groups
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.graph.features import read_features
from perturbkg.graph.genes import find_genes
from perturbkg.graph.types import CELL_LINE, LINCS_DRUG, node_id
from perturbkg.io.matrices import read_labels, read_matrix, read_rows


@dataclass(frozen=True)
class Parts:
    """The parts of a fold. The test part has pairs and labels, and no deltas: a model cannot see them."""

    train: Signatures
    train_names: list[str]  # of the training signatures, in their order
    validation: Signatures
    test: Pairs
    test_labels: pl.DataFrame  # signature, drug, cell, in the order of signatures.h5ad
    var: pl.DataFrame  # entrez, symbol of the landmark genes


def load_data(
    *,
    graph: str | Path,
    graph_nodes: str | Path,
    features: Sequence[str | Path],
    drugs: str | Path,
    targets: str | Path,
    cells: str | Path,
    baseline: str | Path,
    fusion: str = "concatenate",
    walks: Path | None = None,
) -> Data:
    """Read and align everything but signatures; raise InputError where two files do not belong together.

    `walks` is where jobs keep random walks for each other.
    """
    nodes = schemas.read(graph_nodes, schemas.GraphNodes)
    arrays = Graph.load(graph)
    if arrays.nodes != len(nodes):
        raise InputError(f"{graph}: {arrays.nodes} nodes, but {graph_nodes} has {len(nodes)}; merge again")
    drug_table = schemas.read(drugs, schemas.Drugs)
    cell_names = schemas.read(cells, schemas.Cells)["cell"].to_list()
    expression, lines, genes = read_matrix(baseline)
    if lines["cell"].to_list() != cell_names:
        raise InputError(f"{baseline}: its cell lines are not those of {cells} in their order; prepare again")
    number = dict(zip(nodes["node"], range(len(nodes)), strict=True))
    gene_nodes = find_genes(nodes, genes["entrez"].to_list(), genes["symbol"].to_list())
    names = drug_table["drug"].to_list()
    known, imputed = target_matrices(_targets_of(names, targets), names)
    return Data(
        graph=arrays,
        features=read_features(features, nodes, fusion),
        drugs=names,
        cells=cell_names,
        genes=genes["symbol"].to_list(),
        drug_node=_nodes([node_id(LINCS_DRUG, name) for name in names], nodes, graph_nodes),
        cell_node=_nodes([node_id(CELL_LINE, name) for name in cell_names], nodes, graph_nodes),
        gene_node=np.array([number.get(node, -1) for node in gene_nodes], dtype=np.int64),
        scaffold_group=scaffold_numbers(drug_table),
        fingerprints=fingerprints(drug_table).astype(np.uint8),
        targets=known,
        imputed=imputed,
        baseline=expression,
        smiles=drug_table["smiles"].to_list(),
        walks=walks,
    )


def scaffold_numbers(drugs: pl.DataFrame) -> np.ndarray:
    """Number the scaffold groups of `Drugs` in sorted order: (drugs,) int64."""
    return np.unique(scaffold_groups(drugs).to_numpy(), return_inverse=True)[1].astype(np.int64)


def target_matrices(targets: pl.DataFrame, drugs: Sequence[str]) -> tuple[sp.csr_array, sp.csr_array | None]:
    """Return known targets as 0 and 1, and weights of imputed ones, if any: (drugs, genes) float32.

    `targets` is schemas.Targets. A gene is its node, or its symbol where the graph has no such gene. Columns
    are the genes that are anybody's target, known or imputed, sorted.
    """
    similar = pl.col("source") == schemas.SIMILAR_MOLECULES
    keyed = targets.with_columns(key=pl.coalesce("target", "symbol"))
    column = keyed["key"].unique().sort()
    places = [
        pl.col("drug").replace_strict(list(drugs), range(len(drugs)), return_dtype=pl.Int64),
        pl.col("key").replace_strict(column, range(len(column)), return_dtype=pl.Int64),
    ]

    def matrix(rows: pl.DataFrame) -> sp.csr_array:
        ends = tuple(rows.select(places).to_numpy().T)
        weight = rows["weight"].to_numpy().astype(np.float32)
        return sp.csr_array((weight, ends), shape=(len(drugs), len(column)))

    imputed = keyed.filter(similar)
    known = matrix(keyed.filter(~similar).unique(["drug", "key"], maintain_order=True))
    return known, None if imputed.is_empty() else matrix(imputed)


def _targets_of(drugs: Sequence[str], path: str | Path) -> pl.DataFrame:
    """Read schemas.Targets; refuse those of a drug that the drug table lacks."""
    table = schemas.read(path, schemas.Targets)
    strange = table.filter(~pl.col("drug").is_in(drugs))["drug"]
    if len(strange):
        raise InputError(f"{path}: drug {strange[0]!r} is not in the drug table; run impute_targets again")
    return table


def load_parts(signatures: str | Path, fold: str | Path, data: Data) -> Parts:
    """Read the training and validation deltas, and the pairs alone of the test part."""
    obs, var = read_labels(signatures)
    if var["symbol"].to_list() != data.genes:
        raise InputError(f"{signatures}: its genes are not those of the baseline; prepare both again")
    parts = schemas.read(fold, schemas.Fold)
    if parts["signature"].to_list() != obs["signature"].to_list():
        raise InputError(f"{fold}: its signatures are not those of {signatures} in their order; split again")
    drug = _rows(obs, "drug", data.drugs, signatures)
    cell = _rows(obs, "cell", data.cells, signatures)
    dose, time = _positive(obs, "dose_um", signatures), _positive(obs, "time_h", signatures)

    def rows(part: str) -> np.ndarray:
        chosen = np.flatnonzero((parts["part"] == part).to_numpy())
        if not len(chosen):
            raise InputError(f"{fold}: no signature is in the part {part}; split again, with fewer folds")
        return chosen

    def seen(part: str) -> Signatures:
        chosen = rows(part)
        delta = read_rows(signatures, chosen)
        defective = np.flatnonzero(~np.isfinite(delta).all(axis=1))
        if len(defective):
            name = obs["signature"][int(chosen[defective[0]])]
            raise InputError(f"{signatures}: signature {name} has a delta that is not finite; read it again")
        return Signatures(drug[chosen], cell[chosen], delta, dose=dose[chosen], time=time[chosen])

    test = rows("test")
    return Parts(
        train=seen("train"),
        train_names=obs["signature"][rows("train")].to_list(),
        validation=seen("validation"),
        test=Pairs(drug[test], cell[test], dose=dose[test], time=time[test]),
        test_labels=obs[test].select("signature", "drug", "cell"),
        var=var.select("entrez", "symbol"),
    )


def _nodes(names: Sequence[str], nodes: pl.DataFrame, path: str | Path) -> np.ndarray:
    """Return the numbers of the nodes of these names; each must be in the feature row of its position."""
    found = dict(zip(nodes["node"], zip(range(len(nodes)), nodes["row"], strict=True), strict=True))
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{path}: no node {missing[0]!r} ({len(missing)} such); merge the graph again")
    for row, name in enumerate(names):
        if found[name][1] != row:
            raise InputError(
                f"{path}: node {name!r} has feature row {found[name][1]}, its table has {row}; merge again"
            )
    return np.array([found[name][0] for name in names], dtype=np.int64)


def _rows(obs: pl.DataFrame, column: str, names: Sequence[str], path: str | Path) -> np.ndarray:
    row_of = {name: row for row, name in enumerate(names)}
    missing = obs.filter(~pl.col(column).is_in(row_of))
    if len(missing):
        signature, name = missing.select("signature", column).row(0)
        raise InputError(
            f"{path}: {column} {name!r} of signature {signature} is not in the {column} table; "
            "make both from the same selection"
        )
    return np.array([row_of[name] for name in obs[column]], dtype=np.int64)


def _positive(obs: pl.DataFrame, column: str, path: str | Path) -> np.ndarray:
    """Return a column (signatures,) float32, NaN where unknown; models read its logarithm."""
    wrong = obs.filter(pl.col(column) <= 0)
    if len(wrong):
        signature, value = wrong.select("signature", column).row(0)
        raise InputError(
            f"{path}: {column} of signature {signature} is {value:g}, which is not more than 0 "
            f"({len(wrong)} such); correct it in the signature table, or leave it empty"
        )
    return obs[column].cast(pl.Float32).fill_null(np.nan).to_numpy()
