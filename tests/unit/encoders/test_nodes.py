"""Encoding: each distinct input once, scattered back to its nodes, and counted."""

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from perturbkg import plugins, schemas
from perturbkg.encoders import Encoder, Modality
from perturbkg.encoders._nodes import encode_nodes, tally
from perturbkg.errors import InputError
from perturbkg.graph.features import read_features
from perturbkg.io.matrices import write_matrix

ROOT = Path(__file__).parents[3]
SEEN: list[list[str]] = []


@dataclass(frozen=True)
class Length(Encoder):
    """Length and first letter of a text; records the inputs it was given."""

    modality: ClassVar[Modality] = "text"

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode."""
        SEEN.append(list(inputs))
        return np.array([[len(text), ord(text[0])] for text in inputs], dtype=np.float32)


INPUTS = pl.DataFrame(
    [
        ("c:1", "cell_line", None, None, None, 1),
        ("c:2", "cell_line", None, None, None, 0),
        ("g:1", "gene/protein", "ab", None, None, None),
        ("g:2", "gene/protein", None, None, None, None),
        ("g:3", "gene/protein", "b", None, None, None),
        ("g:4", "gene/protein", "ab", None, None, None),
    ],
    schema={
        **dict.fromkeys(("node", "type", "text", "smiles", "sequence"), pl.String),
        "baseline": pl.Int64,
    },
    orient="row",
)
GRAPH_NODES = INPUTS.select(
    "node", "type", name="node", row=pl.int_range(pl.len(), dtype=pl.Int64).over("type")
)
BASELINE = np.array([[8, 11], [5, 8]], dtype=np.float32)


def test_distinct_inputs_are_encoded_once_and_scattered_back() -> None:
    SEEN.clear()
    found, _ = encode_nodes(Length(), INPUTS, "gene/protein", BASELINE)
    assert SEEN == [["ab", "b"]]
    assert found.matrix.dtype == np.float32
    assert found.matrix.tolist() == [[2, 97], [0, 0], [1, 98], [2, 97]]
    assert found.encoded.tolist() == [True, False, True, True]


def test_the_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = encode_nodes(Length(), INPUTS, "gene/protein", BASELINE)
    monkeypatch.setattr(Length, "block", 1)
    SEEN.clear()
    found, _ = encode_nodes(Length(), INPUTS, "gene/protein", BASELINE)
    assert np.array_equal(found.matrix, whole.matrix)
    assert SEEN == [["ab"], ["b"]]


@pytest.mark.parametrize("block", [1, 2])
def test_remarks_of_an_encoder_are_counted_in_nodes(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(Length, "block", block)
    monkeypatch.setattr(
        Length, "remarks", lambda _: {"long": np.array([len(i) > 1 for s in SEEN for i in s])}
    )
    SEEN.clear()
    found, remarks = encode_nodes(Length(), INPUTS, "gene/protein", BASELINE)
    assert remarks == {"long": 2}  # two nodes have the one long text
    counts = tally(found, "gene/protein", "text", "length", remarks)
    assert counts["what"].unique().to_list() == ["gene/protein text by length"]
    lines = [("read", 4), ("nothing to encode", 1), ("kept", 3), ("of these: long", 2)]
    assert counts.select("reason", "count").rows() == lines


def test_baseline_rows_are_those_of_the_cell() -> None:
    found, _ = encode_nodes(plugins.create("encoders", "baseline"), INPUTS, "cell_line", BASELINE)
    assert found.matrix.tolist() == [[-1, 0], [0, 1]]


@pytest.mark.parametrize("encoder", ["none", "morgan"])
def test_nothing_to_encode_has_no_columns(encoder: str) -> None:
    found, _ = encode_nodes(plugins.create("encoders", encoder), INPUTS, "gene/protein", BASELINE)
    assert found.matrix.shape == (4, 0)
    assert not found.encoded.any()


@pytest.mark.parametrize("encoder", ["none", "hashed_text"])
def test_a_type_of_primekg_that_the_graph_lacks_is_counted_and_logged(
    encoder: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = plugins.create("encoders", encoder)
    found, remarks = encode_nodes(made, INPUTS, "pathway", BASELINE)
    assert found.matrix.shape == (0, 0)
    assert found.encoded.shape == (0,)
    assert "no node has the type 'pathway'" in caplog.text
    assert tally(found, "pathway", made.modality, encoder, remarks).select("reason", "count").rows() == [
        ("read", 0),
        ("nothing to encode", 0),
        ("kept", 0),
        ("the graph has no node of this type", 0),
    ]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("gene", "; types of this graph are cell_line, gene/protein"),
        ("cell_lin", " (did you mean 'cell_line'?)"),
    ],
)
def test_any_other_absent_type_is_an_error(wrong: str, hint: str) -> None:
    with pytest.raises(
        InputError, match=re.escape(f"config: encoders: no node has the type {wrong!r}{hint}")
    ):
        encode_nodes(Length(), INPUTS, wrong, BASELINE)


def test_the_script_embeds_one_type(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts/embed_nodes.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    schemas.write(INPUTS, schemas.NodeInputs, tmp_path / "inputs.parquet")
    var = pl.DataFrame({"entrez": ["1", "2"], "symbol": ["a", "b"]})
    write_matrix(BASELINE, pl.DataFrame({"cell": ["x", "y"]}), var, tmp_path / "baseline.h5ad")
    arguments = {"inputs": tmp_path / "inputs.parquet", "baseline": tmp_path / "baseline.h5ad", "threads": 1}
    arguments |= {"folders": {}, "counts": tmp_path / "counts.parquet"}
    text, cells = tmp_path / "text.safetensors", tmp_path / "cells.safetensors"
    script.main(
        **arguments, node_type="gene/protein", encoder="hashed_text", options={"words": 4}, features=text
    )
    script.main(**arguments, node_type="cell_line", encoder="baseline", options={}, features=cells)
    counts = schemas.read(tmp_path / "counts.parquet", schemas.Counts)
    assert counts["what"].unique().to_list() == ["cell_line baseline by baseline"]
    assert counts.select("reason", "count").rows() == [("read", 2), ("nothing to encode", 0), ("kept", 2)]
    found = read_features([text, cells], GRAPH_NODES)
    assert found["gene/protein"].matrix.shape == (4, 4 + 64)
    assert found["cell_line"].matrix.tolist() == [[-1, 0], [0, 1]]
    with pytest.raises(InputError, match="unknown option 'letters'"):
        script.main(
            **arguments,
            node_type="gene/protein",
            encoder="hashed_text",
            options={"letters": 4},
            features=text,
        )
