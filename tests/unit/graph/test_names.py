"""Finding nodes by name: exact before normalised, without guessing between two."""

import polars as pl
import pytest

from perturbkg.graph.names import caseless, exact, find_nodes, normalised

NODES = pl.DataFrame(
    [
        ("n1", "AKT1"),
        ("n2", "C1orf112"),
        ("n3", "TEC"),
        ("n4", "TEC"),
        ("n5", "abc"),
        ("n6", "ABC"),
        ("n7", ""),
    ],
    schema=["node", "name"],
    orient="row",
)


@pytest.mark.parametrize(
    ("name", "node", "match"),
    [
        ("AKT1", "n1", "exact"),
        ("akt1", "n1", "caseless"),
        ("C1ORF112", "n2", "caseless"),
        ("TEC", None, "ambiguous"),
        ("abc", "n5", "exact"),  # one exact match, although another differs only in case
        ("Abc", None, "ambiguous"),
        ("XYZ", None, "none"),
        ("", None, "none"),  # a node without a name never matches
    ],
)
def test_each_way(name: str, node: str | None, match: str) -> None:
    found = find_nodes(pl.Series([name]), NODES, {"exact": exact, "caseless": caseless})
    assert found.rows() == [(name, node, match)]


def test_each_name_appears_once_in_order_of_first_occurrence() -> None:
    found = find_nodes(pl.Series(["XYZ", "akt1", None, "XYZ", "AKT1"]), NODES, {"e": exact, "c": caseless})
    assert found["name"].to_list() == ["XYZ", "akt1", "AKT1"]
    assert found["match"].to_list() == ["none", "c", "e"]


def test_no_names_and_no_nodes() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert find_nodes(empty, NODES, {"exact": exact}).height == 0
    assert find_nodes(pl.Series(["a"]), NODES.clear(), {"exact": exact})["match"].to_list() == ["none"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Carcinoma, Small-Cell", "carcinoma small cell"),
        ("  Ewing's  sarcoma ", "ewing s sarcoma"),
        ("Sjögren (syndrome)", "sjögren syndrome"),
        ("—", ""),
    ],
)
def test_normalised(text: str, key: str) -> None:
    assert pl.select(normalised(pl.lit(text))).item() == key
