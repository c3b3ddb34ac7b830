"""Features: files of node vectors, written and read for every type."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.graph.features import read_features, write_features

GRAPH_NODES = pl.DataFrame(
    {
        "node": ["c:1", "c:2", "g:1", "g:2", "g:3", "g:4"],
        "type": ["cell_line"] * 2 + ["gene/protein"] * 4,
        "name": ["c:1", "c:2", "g:1", "g:2", "g:3", "g:4"],
        "row": [0, 1, 0, 1, 2, 3],
    }
)


def save(folder: Path, name: str, node_type: str, matrix: list, encoded: list[bool]) -> Path:
    """Write a file of features."""
    path = folder / f"{name}.safetensors"
    columns = np.array(matrix, dtype=np.float32)
    write_features(
        Features(columns, np.array(encoded)),
        path,
        node_type=node_type,
        encoder=name,
        options={"b": 1, "a": 2},
    )
    return path


def test_encoders_of_one_type_stand_side_by_side(tmp_path: Path) -> None:
    one = save(tmp_path, "one", "gene/protein", [[1], [0], [3], [0]], [True, False, True, False])
    two = save(tmp_path, "two", "gene/protein", [[5, 6], [0, 0], [0, 0], [7, 8]], [True, False, False, True])
    found = read_features([two, one], GRAPH_NODES)
    assert list(found) == ["cell_line", "gene/protein"]
    assert found["gene/protein"].matrix.tolist() == [[5, 6, 1], [0, 0, 0], [0, 0, 3], [7, 8, 0]]
    assert found["gene/protein"].encoded.tolist() == [True, False, True, True]
    assert found["gene/protein"].encoded.dtype == bool
    assert found["cell_line"].matrix.shape == (2, 0)
    assert found["cell_line"].matrix.dtype == np.float32
    assert not found["cell_line"].encoded.any()


def test_a_matrix_without_columns_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    nothing = Features(np.zeros((2, 0), dtype=np.float32), np.zeros(2, dtype=bool))
    write_features(nothing, path, node_type="cell_line", encoder="none", options={})
    assert read_features([path], GRAPH_NODES)["cell_line"].matrix.shape == (2, 0)


def test_features_of_another_graph_are_refused(tmp_path: Path) -> None:
    short = save(tmp_path, "short", "gene/protein", [[1]], [True])
    with pytest.raises(
        InputError, match=r"short\.safetensors: 1 rows, but the graph has 4 nodes of the type"
    ):
        read_features([short], GRAPH_NODES)
    other = save(tmp_path, "other", "disease", [[1]], [True])
    with pytest.raises(
        InputError, match=r"other\.safetensors: 1 rows, but the graph has 0 nodes of the type 'disease'"
    ):
        read_features([other], GRAPH_NODES)


def test_a_type_without_nodes_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "absent.safetensors"
    write_features(Features.empty(0), path, node_type="disease", encoder="morgan", options={})
    found = read_features([path], GRAPH_NODES)
    assert list(found) == list(read_features([], GRAPH_NODES))


@pytest.mark.parametrize("damage", ["truncated", "absent", "text", "foreign"])
def test_an_invalid_feature_file_is_one_line(tmp_path: Path, damage: str) -> None:
    path = save(tmp_path, "one", "cell_line", [[1], [2]], [True, True])
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "absent":
        path.unlink()
    elif damage == "text":
        path.write_text("nothing of the kind")
    else:
        save_file({"matrix": np.zeros(1)}, path)
    with pytest.raises(
        InputError, match=r"one\.safetensors: not a file of node features .*embed_nodes again"
    ) as caught:
        read_features([path], GRAPH_NODES)
    assert "\n" not in str(caught.value)


def test_the_mean_of_several_encoders_is_over_those_that_a_node_has(tmp_path: Path) -> None:
    one = save(tmp_path, "one", "cell_line", [[3, 4], [0, 2]], [True, True])
    two = save(tmp_path, "two", "cell_line", [[5, 0], [0, 0]], [True, False])
    found = read_features([one, two], GRAPH_NODES, "mean")["cell_line"]
    np.testing.assert_allclose(found.matrix, [[0.8, 0.4], [0, 1]], atol=1e-6)
    assert found.encoded.tolist() == [True, True]
    wide = save(tmp_path, "wide", "cell_line", [[1, 2, 3], [1, 2, 3]], [True, True])
    with pytest.raises(InputError, match=r"mean needs vectors of equal width, .* 2, 3 columns"):
        read_features([one, wide], GRAPH_NODES, "mean")


def test_equal_features_are_equal_bytes_in_another_process(tmp_path: Path) -> None:
    here = save(tmp_path, "one", "cell_line", [[1], [2]], [True, True])
    code = f"""
import numpy as np
from perturbkg.graph.features import write_features
from perturbkg.graph.arrays import Features
features = Features(np.array([[1], [2]], dtype=np.float32), np.array([True, True]))
path = {str(tmp_path / "there.safetensors")!r}
write_features(features, path, node_type="cell_line", encoder="one", options=dict(a=2, b=1))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "there.safetensors").read_bytes() == here.read_bytes()
