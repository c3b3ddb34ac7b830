"""Figures hold the numbers of the tables, and come out the same each time."""

import altair as alt
import numpy as np
import polars as pl
import pytest
from fabricated import make_figures

from perturbkg.report import figures
from perturbkg.report.catalogue import FIGURES, HEADLINE, Roles
from perturbkg.report.definitions import metric_infos
from perturbkg.report.profiles import Examples
from perturbkg.report.tables import read_table


def rows_of(chart: alt.TopLevelMixin) -> list[dict]:
    """Return every row of data in a chart."""
    spec = chart.to_dict()
    return [row for rows in spec["datasets"].values() for row in rows]


@pytest.fixture(scope="module")
def drawn(tables):
    """Return figure name -> chart, of those that only tables make."""
    read = {name: read_table(name, tables[name]) for name in ("main", "ablations", "strata", "folds")}
    metrics = metric_infos()
    return {
        "models_by_split": figures.models_by_split(read["main"], metrics, HEADLINE),
        "ablation_ladder": figures.ablation_ladder(
            read["main"], read["ablations"], metrics, HEADLINE, Roles()
        ),
        "score_by_distance": figures.score_by_distance(read["strata"], metrics, HEADLINE, Roles()),
        "folds": figures.folds_by_model(read["folds"], metrics, HEADLINE),
    }


def test_models_are_drawn_with_the_intervals_of_the_table(drawn, tables):
    main = read_table("main", tables["main"]).filter(pl.col("metric").is_in(["pearson", "pearson_centred"]))
    shown = {(row["split"], row["metric"], row["model"]): row for row in rows_of(drawn["models_by_split"])}
    assert len(shown) == main.height == 2 * 2 * 5
    for row in main.iter_rows(named=True):
        found = shown[row["split"], row["metric"], row["model"]]
        assert (found["mean"], found["low"], found["high"]) == (row["mean"], row["low"], row["high"])


def test_the_ladder_holds_ablations_and_models_without_a_graph(drawn):
    names = {row["name"] for row in rows_of(drawn["ablation_ladder"])}
    assert names == {"gat", "shuffle_edges", "random_features", "no_graph", "mlp", "mean_per_cell"}


def test_bins_say_how_many_signatures_they_hold(drawn):
    rows = [
        row
        for row in rows_of(drawn["score_by_distance"])
        if row["model"] == "gat" and row["metric"] == "pearson"
    ]
    assert sum(row["n"] for row in rows if row["split"] == "scaffold") == 120


def test_a_model_that_plays_two_parts_has_one_colour_and_no_other_has_it(tables):
    chart = figures.score_by_distance(
        read_table("strata", tables["strata"]), metric_infos(), HEADLINE, Roles(reference="mlp")
    )
    point = chart.to_dict()["vconcat"][0]["spec"]["layer"][1]
    scale = point["encoding"]["color"]["scale"]
    assert scale["domain"] == ["mlp", "propagation", "mean_per_cell"]
    assert len(set(scale["range"])) == 3


def test_every_run_with_a_score_is_a_point(drawn):
    assert len(rows_of(drawn["folds"])) == 2 * 2 * 4  # `zero` has no Pearson


def test_every_axis_and_figure_has_a_title(drawn):
    for name, chart in drawn.items():
        spec = chart.to_dict()
        assert spec["title"]["text"] == FIGURES[name][0]
        assert spec["title"]["subtitle"]


@pytest.fixture(scope="module")
def heatmap():
    """Draw profiles of which the predicted are half the observed."""
    rng = np.random.default_rng(0)
    observed = rng.normal(size=(3, 978)).astype(np.float32)
    observed[:, :10] += 5
    return figures.heatmap_predictions(
        Examples(observed, observed / 2, ["a", "b", "c"], [f"g{at}" for at in range(978)], "subtitle")
    )


def test_the_heat_map_holds_observed_and_predicted_on_a_scale_symmetrical_about_zero(heatmap):
    scale = heatmap.to_dict()["vconcat"][0]["encoding"]["color"]["scale"]
    assert scale["domain"][0] == -scale["domain"][1]
    rows = rows_of(heatmap)
    assert len(rows) == 3 * 2 * figures.HEAT_GENES
    of = {(row["signature"], row["row"], row["at"]): row["delta"] for row in rows}
    for at in range(figures.HEAT_GENES):
        assert of["2. b", "predicted", at] == pytest.approx(of["2. b", "observed", at] / 2, abs=2e-3)


def test_files_are_written_the_same_each_time(heatmap, tmp_path):
    for name in "ab":
        figures.save(heatmap, tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes(), suffix


def test_the_script_writes_every_figure_as_svg_and_png(made, tables, tmp_path):
    written = make_figures(made, tables, tmp_path)
    for name, svg in written.items():
        assert svg.read_text().startswith("<svg"), name
        assert svg.with_suffix(".png").read_bytes().startswith(b"\x89PNG"), name
    assert list(written) == list(FIGURES)
    assert not list(tmp_path.glob(".*"))
