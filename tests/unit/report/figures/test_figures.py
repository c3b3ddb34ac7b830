"""Figures show the numbers of the tables, and are the same each time."""

import altair as alt
import polars as pl
import pytest
from fabricated import fabricate
from reports import FIGURES, TABLES, choices_of, make_figures, make_tables

from perturbkg import schemas
from perturbkg.report import registry
from perturbkg.report.figures import Material
from perturbkg.report.figures._drawing import COLOURS, SHAPES, chart_of, save, styled
from perturbkg.report.figures.heatmap_predictions import GENES


def material_of(raw_results, tables, **choices) -> Material:
    """Return the data from which the figures of fabricated results are drawn."""
    return Material(
        tables={name: registry.load("tables", name).read(tables[name]) for name in TABLES},
        choices=choices_of(**choices),
        scores=raw_results["scores"],
        signatures=raw_results["signatures"],
        drugs=schemas.read(raw_results["drugs"], schemas.Drugs),
        predictions=[path for path in raw_results["predictions"] if path.name.startswith("scaffold")],
        split="scaffold",
        model_seed=1,
    )


def rows_of(chart: alt.TopLevelMixin) -> list[dict]:
    """Return every row of data in a chart."""
    spec = chart.to_dict()
    return [row for rows in spec["datasets"].values() for row in rows]


@pytest.fixture(scope="module")
def drawn(raw_results, tables):
    """Return figure name -> chart."""
    material = material_of(raw_results, tables)
    return {name: chart_of(registry.load("figures", name), material) for name in FIGURES}


def test_models_are_drawn_with_the_intervals_of_the_table(drawn, tables):
    main = (
        registry.load("tables", "main")
        .read(tables["main"])
        .filter(pl.col("metric").is_in(["pearson", "pearson_centred"]))
    )
    shown = {(row["split"], row["metric"], row["model"]): row for row in rows_of(drawn["models_by_split"])}
    assert len(shown) == main.height == 2 * 2 * 5
    for row in main.iter_rows(named=True):
        found = shown[row["split"], row["metric"], row["model"]]
        assert (found["mean"], found["low"], found["high"]) == (row["mean"], row["low"], row["high"])


def test_the_ladder_holds_ablations_and_models_without_a_graph(drawn):
    names = {row["name"] for row in rows_of(drawn["ablation_ladder"])}
    assert names == {"gat", "shuffle_edges", "random_features", "no_graph", "mlp", "mean_per_cell"}


def test_bins_show_how_many_signatures_they_hold(drawn):
    rows = [
        row
        for row in rows_of(drawn["score_by_distance"])
        if row["model"] == "gat" and row["metric"] == "pearson"
    ]
    assert sum(row["n"] for row in rows if row["split"] == "scaffold") == 120


def test_a_model_with_two_roles_has_one_colour_and_no_other_has_it(raw_results, tables):
    material = material_of(raw_results, tables, without_graph="propagation")
    chart = chart_of(registry.load("figures", "score_by_distance"), material)
    point = chart.to_dict()["vconcat"][0]["spec"]["layer"][1]
    scale = point["encoding"]["color"]["scale"]
    assert scale["domain"] == ["gat", "propagation", "mean_per_cell"]
    assert len(set(scale["range"])) == 3


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    """Draw learning curves of fabricated results with three shares."""
    folder = tmp_path_factory.mktemp("curves")
    made = fabricate(folder, shares=(0.25, 0.5, 1.0))
    material = material_of(made, make_tables(made, folder / "tables"))
    return material, chart_of(registry.load("figures", "learning_curves"), material)


def test_a_learning_curve_has_a_point_for_each_model_and_share_on_a_logarithmic_axis(curves):
    material, chart = curves
    rows = rows_of(chart)
    assert len(rows) == 2 * 2 * 4 * 3  # splits, drawn metrics, models with a score, shares
    table = material.tables["learning_curve"]
    for row in rows:
        found = table.row(
            by_predicate=(pl.col("split") == row["split"])
            & (pl.col("metric") == row["metric"])
            & (pl.col("model") == row["model"])
            & (pl.col("share") == row["share"]),
            named=True,
        )
        assert (found["mean"], found["low"], found["high"]) == (row["mean"], row["low"], row["high"])
        assert abs(row["at"] / found["drugs"] - 1) < 0.1  # drawn apart, not elsewhere
        assert f"{found['parents']} parents" in row["panel"]
    line = chart.to_dict()["vconcat"][0]["spec"]["layer"][1]
    assert line["encoding"]["x"]["scale"]["type"] == "log"
    assert line["encoding"]["color"]["scale"]["domain"][0] == "gat"  # the best first


def test_without_shares_the_learning_curve_says_so(drawn):
    spec = drawn["learning_curves"].to_dict()
    assert "one train_share" in spec["title"]["subtitle"]


def test_marks_of_many_folds_differ():
    places = range(len(COLOURS) * len(SHAPES))
    style = styled("fold", [str(place) for place in places], places)
    colours, shapes = (style[channel].to_dict()["scale"]["range"] for channel in ("color", "shape"))
    assert len(set(zip(colours, shapes, strict=True))) == len(places)


def test_every_run_with_a_score_is_a_point(drawn):
    assert len(rows_of(drawn["folds"])) == 2 * 2 * 4  # `zero` has no Pearson


def test_every_axis_and_figure_has_a_title(drawn):
    for name, chart in drawn.items():
        spec = chart.to_dict()
        assert spec["title"]["text"] == registry.load("figures", name).title
        assert spec["title"]["subtitle"]


def test_the_heat_map_holds_observed_and_predicted_on_a_scale_symmetrical_about_zero(drawn):
    scale = drawn["heatmap_predictions"].to_dict()["vconcat"][0]["encoding"]["color"]["scale"]
    assert scale["domain"][0] == -scale["domain"][1]
    rows = rows_of(drawn["heatmap_predictions"])
    assert len(rows) == 5 * 2 * GENES
    assert {row["row"] for row in rows} == {"observed", "predicted"}


def test_files_are_the_same_each_time(drawn, tmp_path):
    for name in "ab":
        save(drawn["heatmap_predictions"], tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes(), suffix


def test_the_script_writes_every_figure_as_svg_and_png(raw_results, tables, tmp_path):
    written = make_figures(raw_results, tables, tmp_path)
    for name, svg in written.items():
        assert svg.read_text().startswith("<svg"), name
        assert svg.with_suffix(".png").read_bytes().startswith(b"\x89PNG"), name
    assert list(written) == list(FIGURES)
    assert not list(tmp_path.glob(".*"))
