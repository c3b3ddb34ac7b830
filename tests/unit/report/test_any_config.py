"""Every accepted config can be reported: what was not run is left out, and the report says so."""

import copy
import json
import tempfile
from pathlib import Path

import pytest
from fabricated import fabricate
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import make_figures, make_page, make_tables

from perturbkg import config as configuration
from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.metrics import value_infos
from perturbkg.report.choices import PARTS, Choices, computed_values, kind_of
from perturbkg.report.export import read_layout

ROOT = Path(__file__).parents[3]
DEFAULT = configuration.read(ROOT / "config/config.yaml")
SCHEMA = configuration.read(ROOT / "workflow/schemas/config.schema.yaml")


def config_of(report=None, **changed):
    """Return the default config with some keys changed, validated as before a run."""
    config = copy.deepcopy(DEFAULT) | changed
    config["report"] |= {"resamples": 100} | (report or {})
    configuration.validate(config, SCHEMA)
    return config


def report_of(config, folder, signatures=40, parents=12):
    """Fabricate the results of a config and make its report; return the page and the folder of the tables."""
    raw_results = fabricate(
        folder,
        signatures=signatures,
        parents=parents,
        splits=tuple(config["splits"]),
        folds=config["folds"],
        seeds=tuple(config["seeds"]),
        models={model: None if model == "zero" else 0.3 for model in config["models"]},
        metrics=tuple(value_infos(config["metrics"])),
        ablations={model: config["ablations"].get(model, ()) for model in config["models"]},
    )
    choices = Choices.of(config)
    tables = make_tables(raw_results, folder / "tables", choices=choices, resamples=100)
    figures = make_figures(raw_results, tables, folder / "figures", choices)
    return make_page(raw_results, tables, figures, folder / "report.html").read_text(), tables


def titles(table):
    """Return the column titles of a table's first grid."""
    return [column.title for column in read_layout(table.with_suffix(".json"))[2][0].columns]


def test_one_metric_is_the_headline(tmp_path):
    page, tables = report_of(config_of(metrics=["rmse"], models=["graph_kernel", "kernel", "zero"]), tmp_path)
    assert titles(tables["main"]) == ["Model", "Kind", "rmse ↓", "Undefined", "Dose, time"]
    verdict = json.loads(tables["main"].with_name("verdict.json").read_text())
    assert "on rmse: graph_kernel must be better than kernel" in verdict["caveat"]
    assert "did not compute: pearson, pearson_deg100, pearson_centred, retrieval." in page
    assert "mean rmse (lower is better)" in (tmp_path / "figures/models_by_split.svg").read_text()


def test_metrics_outside_the_headline_become_the_headline_if_there_are_no_others(tmp_path):
    _, tables = report_of(
        config_of(metrics=["dispersion", "mae"], models=["graph_kernel"], splits=["random"]), tmp_path
    )
    assert titles(tables["main"])[2:-2] == ["dispersion →1", "mae ↓"]


def test_a_model_alone_is_reported_without_comparisons(tmp_path):
    config = config_of(models=["ridge"], splits=["random"], report={"reference": "ridge"})
    page, tables = report_of(config, tmp_path)
    for name in ("comparisons", "ablations"):
        assert read_layout(tables[name].with_suffix(".json"))[2] == []
    assert "random: cannot be answered from what was run." in page
    ladder = (tmp_path / "figures/ablation_ladder.svg").read_text()
    assert "No ablation of ridge was run." in ladder
    assert "Nothing to draw" in ladder


def test_a_reference_without_a_defined_score_is_reported(tmp_path):
    config = config_of(models=["zero"], metrics=["pearson"], report={"reference": "zero"})
    report_of(config, tmp_path)
    for name, says in {
        "folds": "No run has a defined pearson.",
        "heatmap_predictions": "No pearson of zero is defined on the split scaffold.",
        "models_by_split": "undefined",
    }.items():
        assert says in (tmp_path / f"figures/{name}.svg").read_text(), name


def test_ablations_of_another_model_than_the_reference_are_tabled(tmp_path):
    config = config_of(models=["graph_kernel", "mlp"], ablations={"mlp": ["no_targets"]})
    _, tables = report_of(config, tmp_path)
    assert "mlp,no_targets" in tables["ablations"].read_text()
    assert "No ablation of graph_kernel was run." in (tmp_path / "figures/ablation_ladder.svg").read_text()


MODELS = ["gat", "mlp", "propagation", "mean_per_cell", "zero"]


@st.composite
def configs(draw):
    """Draw what a config may choose of models, metrics, ablations, splits, folds, seeds and the report."""

    def some(names, least=1, most=4):
        return draw(st.lists(st.sampled_from(names), min_size=least, max_size=most, unique=True))

    models, values = some(MODELS), sorted(value_infos())
    reference = draw(st.sampled_from(models))
    rivals = [model for model in plugins.names("models") if model != reference]
    parts = {part: draw(st.sampled_from(rivals)) for part, kind in PARTS.items() if kind == "models"}
    report = parts | {
        "reference": reference,
        "rewired": draw(st.sampled_from(["shuffle_edges", "no_graph"])),
        "headline": some(values),
        "drawn": some(values),
    }
    return config_of(
        report,
        models=models,
        metrics=some(plugins.names("metrics")),
        ablations={model: some(["shuffle_edges", "no_graph"], least=0) for model in some(MODELS, least=0)},
        splits=some(["random", "scaffold"]),
        folds=draw(st.integers(2, 4)),
        seeds=draw(st.sampled_from([[1], [1, 2]])),
    )


@settings(max_examples=5)
@given(configs())
def test_any_accepted_config_has_a_complete_report(config):
    with tempfile.TemporaryDirectory() as folder:
        page, tables = report_of(config, Path(folder))
        choices = Choices.of(config)
        computed = set(value_infos(config["metrics"]))
        assert set(choices.headline) <= computed
        assert set(choices.drawn) <= set(choices.headline)
        assert titles(tables["main"])[2].split()[0] == choices.headline[0]
        for value in set(config["report"]["headline"]) - computed:
            assert value in page.split("did not compute: ")[1].split(".")[0]


def test_two_metrics_that_compute_the_same_value_are_refused(monkeypatch):
    monkeypatch.setattr("perturbkg.report.choices.value_infos", lambda metric: {"rmse": None})
    with pytest.raises(InputError, match="metrics: 'rmse' and 'mae' both compute 'rmse'"):
        computed_values(["rmse", "mae"])


def test_a_kind_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setattr(plugins, "constant", lambda *_: "baseline")
    with pytest.raises(InputError, match=r"zero\.py: kind 'baseline' must be one of model, control"):
        kind_of("zero")
