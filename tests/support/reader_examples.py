"""Find the example of a reader: a few rows in its source's own format, and the expected output.

The example of the plug-in NAME of a kind is the folder tests/source_examples/KIND/NAME, which holds a file
for each file key of the plug-in, named by the key (kg.csv), and expected.json. Files that are binary or long
are written by an example.py there, whose `write(folder)` creates them under these names.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from perturbkg.signatures import Genes
from perturbkg.simulation.writers import write_gctx

FOLDER = Path(__file__).parents[1] / "source_examples"
# As text 10 sorts before 9; the landmarks are not the first columns of a file, nor in this order.
GENES = Genes([str(number) for number in range(1, 979)], [f"G{number}" for number in range(1, 979)])


@dataclass(frozen=True)
class Example:
    """The files of an example by file key, and the expected output."""

    files: dict[str, Path]
    expected: dict[str, Any]


def find(kind: str, name: str, keys: list[str], scratch: Path) -> Example:
    """Return the example of a plug-in, or fail the test in one line that says what to add."""
    folder = FOLDER / kind / name
    shown = f"tests/source_examples/{kind}/{name}"
    if not (folder / "expected.json").is_file():
        pytest.fail(
            f"{kind} {name!r} has no example: add {shown}/expected.json, and next to it a file for each file "
            f"key ({', '.join(keys)}) called by it, or an example.py whose write(folder) makes them",
            pytrace=False,
        )
    paths = [path for path in folder.iterdir() if path.is_file()]
    if (folder / "example.py").is_file():
        load(folder / "example.py").write(scratch)
        paths += scratch.iterdir()
    files = {
        path.name.split(".")[0]: path for path in paths if path.name not in {"example.py", "expected.json"}
    }
    if missing := [key for key in keys if key not in files]:
        pytest.fail(f"{kind} {name!r}: add an example of {', '.join(missing)} to {shown}", pytrace=False)
    return Example(files, json.loads((folder / "expected.json").read_text(encoding="utf-8")))


def load(path: Path) -> Any:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_example", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def profiles(count: int) -> np.ndarray:
    """Return a matrix (count, 978) whose value in row i, for the gene with Entrez id j, is i + j / 1000."""
    return (np.arange(count)[:, None] + np.arange(1, 979) / 1000).astype(np.float32)


def write_matrix(samples: list[str], path: Path) -> None:
    """Write a GCTX of `profiles`, its genes in reverse after one that is not a landmark."""
    matrix = np.hstack([np.full((len(samples), 1), 99, np.float32), profiles(len(samples))[:, ::-1]])
    write_gctx(matrix, samples, ["5000", *reversed(GENES.entrez)], path)


def write_genes(path: Path, columns: tuple[str, str, str], landmark: str, other: str) -> None:
    """Write a gene table of CMap with (id, symbol, landmark flag); one gene is not a landmark."""
    rows = [("5000", "G5000", other), *((gene, f"G{gene}", landmark) for gene in sorted(GENES.entrez))]
    pl.DataFrame(rows, schema=list(columns), orient="row").write_csv(path, separator="\t")
