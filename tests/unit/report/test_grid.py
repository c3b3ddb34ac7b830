"""The grids in which readers see a table."""

import json

import polars as pl
import pytest

from perturbkg.report.grid import (
    Cell,
    Column,
    Grid,
    in_headline_order,
    interval,
    number,
    plain,
    probability,
)


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (0.3294, {}, "0.329"),
        (-0.0126, {"sign": True}, "−0.013"),
        (0.0126, {"sign": True}, "+0.013"),
        (0.0, {"sign": True}, "0.000"),
        (1234567, {"digits": 0}, "1,234,567"),
        (None, {}, "–"),
    ],
)
def test_numbers_are_rounded_and_have_a_minus_sign(value, options, text):
    assert number(value, **options) == text


def test_intervals_and_probabilities():
    assert interval(0.3291, 0.3184, 0.3399) == "0.329 [0.318, 0.340]"
    assert interval(0.3291, None, None) == "0.329"
    assert interval(None, None, None) == "–"
    assert interval(0.01, -0.001, 0.02, sign=True) == "+0.010 [−0.001, 0.020]"
    assert (probability(0.0009), probability(0.0149), probability(None)) == ("< 0.001", "0.015", "–")


def test_a_grid_is_read_back_from_json():
    grid = Grid("t", [Column("a"), Column("b", True, "hint")], [[Cell("x", "x"), Cell("–", None, True)]])
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid


def test_a_plain_grid_shows_a_frame_with_titles_and_digits():
    frame = pl.DataFrame({"kg_nodes": [1200, None], "share": [0.25, 1.0], "what": ["a", None]})
    grid = plain("t", frame, titles={"kg_nodes": "Nodes"}, digits={"share": 2})
    assert grid.columns == [Column("Nodes", True), Column("Share", True), Column("What")]
    assert [[cell.text for cell in row] for row in grid.rows] == [["1,200", "0.25", "a"], ["–", "1.00", "–"]]


def test_metrics_are_in_the_order_of_the_headline():
    frame = pl.DataFrame({"metric": ["a", "b", "a", "c"], "at": [0, 1, 2, 3]})
    assert in_headline_order(frame, ["b", "a"])["at"].to_list() == [1, 0, 2, 3]
