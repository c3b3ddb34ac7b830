"""Seconds and peak memory of reading signatures of a GCTX, against cmapPy's parse.

python benchmarks/read_gctx.py --signatures 20000 --genes 12328 --wanted 5000 --json read_gctx.json
"""

import argparse
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np

from measure import compare

LANDMARKS = 978
CHUNK = 256  # signatures


def generate(path: Path, signatures: int, genes: int) -> None:
    """Write a GCTX of random values, compressed as CLUE's are."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file["0/META/COL/id"] = np.array([f"SIG{i}" for i in range(signatures)], "S")
        file["0/META/ROW/id"] = np.array([str(1000 + i) for i in range(genes)], "S")
        matrix = file.create_dataset(
            "0/DATA/0/matrix",
            (signatures, genes),
            "f4",
            chunks=(min(CHUNK, signatures), genes),
            compression="gzip",
        )
        for start in range(0, signatures, CHUNK):
            rows = min(CHUNK, signatures - start)
            matrix[start : start + rows] = rng.standard_normal((rows, genes), np.float32).round(2)


def asked(signatures: int, genes: int, wanted: int) -> tuple[list[str], list[str]]:
    """Choose signatures that lie together, as those of a few plates do, and landmark genes anywhere."""
    rng = np.random.default_rng(1)
    starts = np.sort(rng.choice(max(1, signatures // 500), max(1, wanted // 500), replace=False)) * 500
    rows = (starts[:, None] + np.arange(500)).ravel()
    columns = np.sort(rng.choice(genes, LANDMARKS, replace=False))
    return [f"SIG{i}" for i in rows if i < signatures], [str(1000 + i) for i in columns]


def ours(path: str, signatures: list[str], genes: list[str]) -> float:
    """Read with the reader of this project; return the sum of what was read."""
    from perturbkg.signatures import Genes  # noqa: PLC0415 - each peer loads only its own
    from perturbkg.signatures._gctx import read_profiles  # noqa: PLC0415

    return _sum(read_profiles(Path(path), signatures, Genes(genes, genes)))


def cmappy(path: str, signatures: list[str], genes: list[str]) -> float:
    """Read with cmapPy."""
    from cmapPy.pandasGEXpress.parse import parse  # noqa: PLC0415

    return _sum(parse(path, rid=genes, cid=signatures).data_df.loc[genes, signatures].to_numpy().T)


def _sum(profiles: np.ndarray) -> float:
    """Reduce profiles to a number that does not depend on the order of addition."""
    return int((profiles.astype(np.float64) * 100).round().astype(np.int64).sum()) / 100


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=20_000)
    parser.add_argument("--genes", type=int, default=12_328)
    parser.add_argument("--wanted", type=int, default=5_000)
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "level5.gctx"
        generate(source, arguments.signatures, arguments.genes)
        wanted = asked(arguments.signatures, arguments.genes, arguments.wanted)
        result = {
            "signatures": arguments.signatures,
            "genes": arguments.genes,
            "wanted": len(wanted[0]),
            "megabytes": round(source.stat().st_size / 1e6),
            **compare({"perturbkg": ours, "cmapPy": cmappy}, str(source), *wanted),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
