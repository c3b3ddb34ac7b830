"""A LINCS release in miniature, in the real formats: tests change its tables, write it and read it."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

from perturbkg.signatures import Genes

# Numeric order and text order of the ids differ, as in the real table: "10000" sorts before "9900".
ENTREZ = [str(9900 + i) for i in range(978)]
GENES = Genes(ENTREZ, [f"G{entrez}" for entrez in ENTREZ])

SIGNATURES = [f"SIG{i}" for i in range(37)]


@dataclass
class Release:
    """Raw tables, each value as text, and the matrix of the GCTX."""

    folder: Path
    siginfo: list[dict[str, str]]
    compoundinfo: list[dict[str, str]]
    cellinfo: list[dict[str, str]]
    geneinfo: list[dict[str, str]]
    baseline: list[dict[str, str]]
    xref: list[dict[str, str]]
    profiles: np.ndarray  # (signatures, genes)
    columns: list[str]  # ids of the signatures
    rows: list[str]  # ids of the genes

    def write(self) -> dict[str, Path]:
        """Write every file; return file key -> path."""
        files = {}
        for key in ("siginfo", "compoundinfo", "cellinfo", "geneinfo", "baseline", "xref"):
            files[key] = self.folder / f"{key}.txt"
            table = pl.DataFrame(getattr(self, key), infer_schema_length=None)
            table.write_csv(files[key], separator="\t", quote_style="never")
        files["gctx"] = self.folder / "level5.gctx"
        write_gctx(files["gctx"], self.profiles, self.columns, self.rows)
        return files


def write_gctx(path, matrix, columns, rows, *, kind="S64", **layout):
    """Write a GCTX as CLUE does, matrix (signatures, genes); `kind` is how it stores ids."""
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file.create_dataset("0/DATA/0/matrix", data=matrix, **{"chunks": (4, 978), **layout})
        for side, ids in (("COL", columns), ("ROW", rows)):
            if kind == "str":
                file.create_dataset(f"0/META/{side}/id", data=ids, dtype=h5py.string_dtype())
            else:
                file[f"0/META/{side}/id"] = np.array(ids).astype(
                    "i8" if kind == "int" and side == "ROW" else "S64"
                )


def signature(number, drug="BRD-1", cell="A375", **changes):
    """Make a row of siginfo that passes the default filters."""
    return {
        "sig_id": f"SIG{number}",
        "pert_id": drug,
        "cmap_name": "name",
        "cell_iname": cell,
        "pert_type": "trt_cp",
        "pert_dose": "10.0",
        "pert_dose_unit": "uM",
        "pert_time": "24",
        "pert_time_unit": "h",
        "is_hiq": "1",
        "qc_pass": "1",
        "tas": "0.5",
        "cc_q75": "0.4",
        "nsample": "3",
        **changes,
    }


def compound(drug, smiles, name="", target="", alias=""):
    """Make a row of compoundinfo."""
    return {
        "pert_id": drug,
        "cmap_name": name,
        "target": target,
        "moa": "",
        "canonical_smiles": smiles,
        "inchi_key": "",
        "compound_aliases": alias,
    }


def cell(name, kind="tumor", lineage="skin", disease="melanoma,malignant"):
    """Make a row of cellinfo."""
    return {"cell_iname": name, "cell_type": kind, "cell_lineage": lineage, "primary_disease": disease}


@pytest.fixture
def write(tmp_path, genes):
    """Return a function that writes a GCTX of 37 signatures x 980 genes, and returns its path and matrix."""

    def write_one(matrix=None, columns=SIGNATURES, rows=None, **options):
        rows = [*reversed(genes.entrez), "1", "2"] if rows is None else rows
        if matrix is None:
            matrix = np.random.default_rng(3).normal(size=(len(columns), len(rows))).astype(np.float32)
        write_gctx(tmp_path / "level5.gctx", matrix, columns, rows, **options)
        return tmp_path / "level5.gctx", matrix

    return write_one


@pytest.fixture
def genes() -> Genes:
    """Return the landmark genes of the release."""
    return GENES


@pytest.fixture
def release(tmp_path) -> Release:
    """Return a release of 3 compounds, 3 cell lines and 9 signatures, unsorted."""
    drugs, cells = ["BRD-2", "BRD-1", "BRD-3"], ["MCF7", "A375", "5637"]
    siginfo = [signature(9 - i, drugs[i % 3], cells[i // 3]) for i in range(9)]
    rng = np.random.default_rng(5)
    rows = [*reversed(ENTREZ), "1", "2"]
    inferred = [
        {"gene_id": gene, "gene_symbol": f"G{gene}", "feature_space": "inferred"} for gene in ("1", "2")
    ]
    landmark = [
        {"gene_id": gene, "gene_symbol": f"G{gene}", "feature_space": "landmark"} for gene in sorted(ENTREZ)
    ]
    return Release(
        folder=tmp_path,
        siginfo=siginfo,
        compoundinfo=[
            compound("BRD-2", "CCO", "ethanol", "GABRA1", "alcohol"),
            compound("BRD-2", "CCO", "ethanol", "ADH1B", "spirit"),
            compound("BRD-1", "c1ccccc1O", "phenol"),
            compound("BRD-3", "CC(=O)O", "acetic acid", "FFAR2"),
        ],
        cellinfo=[cell("MCF7", lineage="breast", disease="unknown"), cell("A375"), cell("5637", "", "", "")],
        geneinfo=[*inferred, *landmark],
        baseline=[
            {"cell": name, **{gene: f"{i + j / 1000:.3f}" for j, gene in enumerate(reversed(ENTREZ))}}
            for i, name in enumerate(["5637", "MCF7", "A375"])
        ],
        xref=[{"pert_id": "BRD-1", "drugbank_id": "DB03255"}],
        profiles=rng.normal(size=(9, len(rows))).astype(np.float32),
        columns=[row["sig_id"] for row in siginfo],
        rows=rows,
    )
