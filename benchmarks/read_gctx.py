"""Seconds and peak memory of reading a GCTX into signatures.h5ad, compared with cmapPy and AnnData.

python benchmarks/read_gctx.py --signatures 100000 --folder /tmp/gctx --json read_gctx.json

Ours is all of rule read_signatures: tables, ids, profiles, checks, sorting, merging, writing. The file
is made once in the folder (4.9 GB for 100,000 signatures), uncompressed like CLUE's, and kept.
"""

import argparse
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl

from measure import compare

LANDMARKS = 978
PLATE = 384  # adjacent signatures
POOL = 997  # different rows of values; each signature is one of them, shifted and rotated
SCRIPT = Path(__file__).parents[1] / "scripts" / "read_signatures.py"


def names(signatures: int, genes: int) -> tuple[list[str], list[str], list[str]]:
    """Return the ids of the signatures and genes in the file's order, and those of the landmark genes."""
    rng = np.random.default_rng(1)
    entrez = [str(1000 + i) for i in range(genes)]
    ids = [f"REP.A{i // PLATE:04d}_A375_24H:{i:07d}" for i in rng.permutation(signatures)]
    return ids, entrez, [entrez[i] for i in np.sort(rng.choice(genes, LANDMARKS, replace=False))]


def chosen_ids(ids: list[str], wanted: int) -> list[str]:
    """Return `wanted` ids, sorted, that are adjacent in plates like those of one experiment."""
    plates = np.random.default_rng(2).permutation(-(-len(ids) // PLATE))
    rows = (plates[:, None] * PLATE + np.arange(PLATE)).ravel()
    return sorted(ids[i] for i in rows[rows < len(ids)][:wanted])


def generate(
    path: Path, signatures: int, genes: int, chunks: tuple[int, int] | None, compression: str | None
) -> None:
    """Write a GCTX of random values with two decimals."""
    ids, entrez, _ = names(signatures, genes)
    pool = np.random.default_rng(0).standard_normal((POOL, genes), np.float32).round(2)
    partial = path.with_suffix(".partial")
    with h5py.File(partial, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file["0/META/COL/id"], file["0/META/ROW/id"] = np.array(ids, "S"), np.array(entrez, "S")
        shape = (signatures, genes)
        matrix = file.create_dataset("0/DATA/0/matrix", shape, "f4", chunks=chunks, compression=compression)
        height = chunks[0] if chunks else 512
        for turn, start in enumerate(range(0, signatures, height)):
            rows = np.arange(start, min(start + height, signatures))
            matrix[start : rows[-1] + 1] = np.roll(pool[rows % POOL], turn, axis=1)
    partial.replace(path)


def tables(folder: Path, signatures: int, genes: int, wanted: int) -> None:
    """Write the tables that read_signatures needs; no two signatures share molecule and cell line."""
    ids, entrez, landmarks = names(signatures, genes)
    kind = pl.Series(entrez).is_in(landmarks)
    pl.DataFrame(
        {
            "gene_id": entrez,
            "gene_symbol": [f"G{gene}" for gene in entrez],
            "feature_space": kind.replace_strict(
                {True: "landmark", False: "inferred"}, return_dtype=pl.String
            ),
        }
    ).write_csv(folder / "geneinfo.txt", separator="\t")
    number = pl.int_range(wanted, eager=True)
    cells = 100
    selection = pl.DataFrame(
        {
            "signature": chosen_ids(ids, wanted),
            "drug": (number // cells).cast(pl.String),
            "cell": (number % cells).cast(pl.String),
        }
    )
    selection.with_columns(
        dose_um=pl.lit(10.0),
        nearest_dose_um=pl.lit(10.0),
        time_h=pl.lit(24.0),
        replicates=pl.lit(3, pl.Int64),
        tas=pl.lit(0.5),
        replicate_correlation=pl.lit(0.4),
        merged=pl.lit(1, pl.Int64),
    ).write_parquet(folder / "selection.parquet")
    drug = selection["drug"].unique().sort()
    nothing = pl.lit(None, pl.String)
    pl.DataFrame({"drug": drug, "name": drug, "smiles": drug, "parent": drug, "scaffold": drug}).with_columns(
        targets=pl.lit([], pl.List(pl.String)), kg_node=nothing, match=nothing
    ).write_parquet(folder / "drugs.parquet")
    selection.select(pl.col("cell").unique().sort()).with_columns(
        lineage=nothing, disease=nothing, description=nothing
    ).write_parquet(folder / "cells.parquet")


def ours(path: str, folder: str, signatures: int, genes: int, wanted: int) -> int:
    """Run the script of the workflow; return a digest of what it wrote."""
    spec = importlib.util.spec_from_file_location("read_signatures", SCRIPT)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    given, made = Path(folder), Path(folder) / "made"
    script.main(
        selection=given / "selection.parquet",
        drugs=given / "drugs.parquet",
        cells=given / "cells.parquet",
        files={"gctx": path, "geneinfo": str(given / "geneinfo.txt")},
        reader="lincs2020",
        label="level5",
        merge="modz",
        dose_um=10.0,
        minimum=1,
        signatures=made / "signatures.h5ad",
        merged=made / "merged.parquet",
        counts=made / "counts.parquet",
        exclusions=made / "exclusions.parquet",
    )
    return digest_of(made / "signatures.h5ad")


def cmappy_anndata(path: str, folder: str, signatures: int, genes: int, wanted: int) -> int:
    """Make the same file in a plain way: cmapPy's frame, sorted, as AnnData."""
    import anndata  # noqa: PLC0415 - each function loads only what it needs

    frame = _parsed(path, signatures, genes, wanted)
    table = anndata.AnnData(frame.T.sort_index().loc[:, names(signatures, genes)[2]])
    table.write_h5ad(Path(folder) / "cmappy.h5ad")
    return digest_of(Path(folder) / "cmappy.h5ad")


def cmappy_alone(path: str, folder: str, signatures: int, genes: int, wanted: int) -> int:
    """Parse and write nothing."""
    frame = _parsed(path, signatures, genes, wanted)
    row = np.empty(wanted, np.int64)
    row[np.argsort(np.array(frame.columns, "S"))] = np.arange(wanted)
    gene = {name: i for i, name in enumerate(names(signatures, genes)[2])}
    column = np.array([gene[name] for name in frame.index])
    return sum(
        digest(frame.iloc[:, start : start + 4096].to_numpy().T, row[start : start + 4096], column)
        for start in range(0, wanted, 4096)
    )


def _parsed(path: str, signatures: int, genes: int, wanted: int) -> Any:
    """Parse the signatures and landmark genes with cmapPy into a frame (genes, signatures)."""
    from cmapPy.pandasGEXpress.parse import parse  # noqa: PLC0415

    ids, _, landmarks = names(signatures, genes)
    return parse(path, rid=landmarks, cid=chosen_ids(ids, wanted)).data_df


def digest_of(path: Path) -> int:
    """Return the digest of X of an AnnData file."""
    with h5py.File(path) as file:
        X = file["X"]
        return sum(
            digest(
                X[start : start + 4096], np.arange(start, min(start + 4096, len(X))), np.arange(X.shape[1])
            )
            for start in range(0, len(X), 4096)
        )


def digest(block: np.ndarray, row: np.ndarray, column: np.ndarray) -> int:
    """Reduce values to an integer that depends on their positions, but not on the order of addition."""
    hundredths = np.rint(block * 100).astype(np.int64)
    return int((1 + row % 97) @ hundredths @ (1 + column % 89))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--signatures", type=int, default=100_000)
    parser.add_argument("--genes", type=int, default=12_328)
    parser.add_argument("--wanted", type=int, help="signatures to read; default: all")
    parser.add_argument("--chunks", help="such as 256x12328; default: contiguous")
    parser.add_argument("--compression", choices=["gzip", "lzf"], help="needs chunks")
    parser.add_argument("--folder", type=Path, help="folder in which the GCTX is made and kept")
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    shape = arguments.signatures, arguments.genes
    wanted = arguments.wanted or arguments.signatures
    chunks = tuple(map(int, arguments.chunks.split("x"))) if arguments.chunks else None
    parts = [f"n{shape[0]}x{shape[1]}", arguments.chunks, arguments.compression]
    with tempfile.TemporaryDirectory(dir=arguments.folder and arguments.folder.parent) as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / ("_".join(filter(None, parts)) + ".gctx")
        if not source.exists():
            generate(source, *shape, chunks, arguments.compression)
        tables(Path(temporary), *shape, wanted)
        os.sync()  # so that writing the file does not slow down what is measured
        peers = {
            "perturbkg": ours,
            "cmapPy and anndata": cmappy_anndata,
            "cmapPy, nothing written": cmappy_alone,
        }
        result = {
            "signatures": shape[0],
            "genes": shape[1],
            "wanted": wanted,
            "layout": arguments.chunks or "contiguous",
            "compression": arguments.compression,
            "megabytes": round(source.stat().st_size / 1e6),
            **compare(peers, str(source), temporary, *shape, wanted),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
