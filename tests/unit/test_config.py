"""The config: closed, described, and one line for a wrong value."""

import copy
import dataclasses
from pathlib import Path

import pytest

from perturbkg import config as configuration
from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.simulation.options import SimulationOptions

ROOT = Path(__file__).parents[2]
SCHEMA = configuration.read(ROOT / "workflow/schemas/config.schema.yaml")
DEFAULT = configuration.read(ROOT / "config/config.yaml")


def merged(path: Path) -> dict:
    """Merge an overlay like Snakemake does: mappings key by key, everything else replaced."""

    def merge(base: dict, overlay: dict) -> dict:
        result = dict(base)
        for key, value in overlay.items():
            both = isinstance(value, dict) and isinstance(base.get(key), dict)
            result[key] = merge(base[key], value) if both else value
        return result

    return merge(DEFAULT, configuration.read(path))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_of_the_project_is_valid(path):
    configuration.validate(merged(path), SCHEMA)


def changed(*keys, to):
    """Return the default config with one key changed."""
    config = copy.deepcopy(DEFAULT)
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    return config


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (changed("flods", to=3), ["unknown key 'flods'", "did you mean 'folds'", "validation"]),
        (changed("filters", "dose", to=1), ["filters: unknown key 'dose'", "dose_um"]),
        (changed("folds", to="five"), ["folds: 'five' must be an integer"]),
        (changed("folds", to=1), ["folds: 1"]),
        (changed("source", to="internet"), ["source: 'internet'", "simulated, download, files"]),
        (changed("models", to=["gta"]), ["models: unknown name 'gta'", "did you mean 'gat'", "mlp"]),
        (changed("splits", to=["scafold"]), ["splits: unknown name 'scafold'", "scaffold"]),
        (changed("metrics", to=["r2"]), ["metrics: unknown name 'r2'", "pearson"]),
        (
            changed("ablations", to={"gat": ["no_grph"]}),
            ["ablations.gat: unknown name 'no_grph'", "no_graph"],
        ),
        (changed("ablations", to={"gta": []}), ["ablations: unknown name 'gta'"]),
        (changed("encoders", "drug", to=["mogran"]), ["encoders.drug: unknown name 'mogran'", "morgan"]),
        (changed("knowledge_graph", to="hetionet"), ["knowledge_graph: unknown name 'hetionet'", "primekg"]),
        (
            changed("model_options", to={"gat": {"neighburs": 1}}),
            ["model_options.gat: unknown option 'neighburs'", "neighbours"],
        ),
        (
            changed("model_options", to={"mlp": {"dropout": "a"}}),
            ["model_options.mlp.dropout: 'a' must be a valid number", "the default is 0.3"],
        ),
        (
            changed("model_options", to={"mlp": {"ensemble": 0}}),
            ["model_options.mlp.ensemble: 0 must be greater than or equal to 1"],
        ),
        (
            changed("model_options", to={"gat": {"loss": "mixd"}}),
            ["model_options.gat.loss: 'mixd' must be 'cosine', 'huber', 'mixed' or 'mse'"],
        ),
        (
            changed("model_options", to={"ridge": {"penalties": [1, "a"]}}),
            ["model_options.ridge.penalties: [1, 'a'] must be a valid number"],
        ),
        (
            changed("simulation", to={"drug": 48}),
            ["simulation: unknown option 'drug' (did you mean 'drugs'?); known are kg_signal"],
        ),
        (changed("models", to=None), ["models: null must be a list"]),
        (
            changed("ablations", to={"gat": ["none"]}),
            ["ablations.gat[0]: 'none' is not allowed: the untouched model is always trained; remove none"],
        ),
        (changed("simulation", "drugs", to=1), ["simulation.drugs", "12"]),
        (
            changed("report", "reference", to="best"),
            ["report.reference: unknown name 'best'", "graph_kernel"],
        ),
        (changed("models", to=["mlp"]), ["report.reference: 'graph_kernel' is not one of models: mlp"]),
        (changed("report", "rewired", to="shufle_edges"), ["report.rewired", "did you mean 'shuffle_edges'"]),
        (
            changed("report", "without_graph", to="graph_kernel"),
            ["report.without_graph: 'graph_kernel' is also report.reference", "name another model"],
        ),
        (
            changed("report", "rewired", to="none"),
            ["report.rewired: 'none' is the untouched model", "such as 'shuffle_edges'"],
        ),
        (
            changed("report", "headline", to=["pearson_deg"]),
            ["report.headline: unknown name 'pearson_deg'", "pearson_deg100"],
        ),
        (changed("report", "drawn", to=[]), ["report.drawn: []"]),
        (changed("report", "resamples", to=0), ["report.resamples: 0"]),
        (changed("validation", to=0.5), ["validation: 0.5", "below 0.5 with 2 folds"]),
        (changed("train_share", to=[0.25, 0.5]), ["train_share: [0.25, 0.5] has no 1, the share", "add 1"]),
        (changed("train_share", to=[0, 1]), ["train_share[0]: 0 is not allowed", "minimum of 0"]),
        (changed("train_share", to=[1, 2]), ["train_share[1]: 2 is not allowed", "maximum of 1"]),
        (
            changed("evaluate", to={"dose_um": 3, "time_h": None}),
            ["evaluate.dose_um: 3 is removed by filters.dose_um: 10", "set that to null"],
        ),
        (changed("evaluate", "time_h", to=6), ["evaluate.time_h: 6 is removed by filters.time_h: 24"]),
        (changed("evaluate", "dose_um", to=0), ["evaluate.dose_um: 0 is not allowed"]),
        (changed("evaluate", to={"dose": 1}), ["evaluate: unknown key 'dose'", "dose_um"]),
        (changed("train_share", to=1), ["train_share: 1 must be a list"]),
        (changed("train_share", to=[]), ["train_share: []"]),
        (changed("source", to="files"), ["files.kg: not given"]),
        (changed("source", to="download"), ["files.baseline: no publisher offers it"]),
        (
            {**changed("label", to="level3"), "signatures": "gse70138"},
            ["label: 'level3' is not offered by signatures 'gse70138'", "level5"],
        ),
        (
            changed("knowledge_graph", to="optimuskg"),
            ["files.kg_nodes: the simulated world has no such file"],
        ),
        (changed("files", to={"gtcx": "a"}), ["files: unknown key 'gtcx'", "did you mean 'gctx'"]),
        (changed("name", to="a b"), ["name: 'a b'"]),
    ],
    ids=lambda value: value[0][:40] if isinstance(value, list) else "",
)
def test_a_wrong_value_is_one_line_with_key_value_and_what_is_allowed(config, parts):
    with pytest.raises(InputError) as error:
        configuration.validate(config, SCHEMA)
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def places_of_integers(schema, place=()):
    """Yield where the schema wants an integer, as keys; the items of a list are its first."""
    if schema.get("type") == "integer":
        yield place
    for key, value in schema.get("properties", {}).items():
        yield from places_of_integers(value, (*place, key))
    if "items" in schema:
        yield from places_of_integers(schema["items"], (*place, 0))


@pytest.mark.parametrize(
    "place", list(places_of_integers(SCHEMA)), ids=lambda place: ".".join(map(str, place))
)
def test_a_whole_number_with_a_decimal_point_is_no_integer(place):
    value = DEFAULT
    for key in place:
        value = value[key]
    with pytest.raises(InputError, match=rf": {value}\.0 must be an integer, write {value}$"):
        configuration.validate(changed(*place, to=float(value)), SCHEMA)


def test_no_message_ends_in_empty_parentheses():
    with pytest.raises(InputError, match=r"^config: seeds\[0\]: -1 is not allowed: .*minimum of 0$"):
        configuration.validate(changed("seeds", to=[-1]), SCHEMA)


def test_an_overlay_can_take_all_encoders_of_a_node_type_away():
    configuration.validate(changed("encoders", "pathway", to=[]), SCHEMA)


def test_a_missing_key_is_named():
    config = copy.deepcopy(DEFAULT)
    del config["folds"]
    with pytest.raises(InputError, match="key 'folds' is missing"):
        configuration.validate(config, SCHEMA)


@pytest.mark.parametrize("text", ["a: [", "- a\n- b\n"])
def test_a_file_that_is_not_a_mapping_is_one_line(tmp_path, text):
    path = tmp_path / "overlay.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"overlay\.yaml") as error:
        configuration.read(path)
    assert "\n" not in str(error.value)


def test_an_absent_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        configuration.read(tmp_path / "none.yaml")


def closed(schema, path=""):
    """Yield the places of a schema that accept any key or lack a description."""
    if (
        schema.get("type") == "object"
        and "properties" in schema
        and schema.get("additionalProperties") is not False
    ):
        yield f"{path}: open"
    for key, value in schema.get("properties", {}).items():
        if "description" not in value:
            yield f"{path}.{key}: no description"
        yield from closed(value, f"{path}.{key}")


def test_the_schema_is_closed_and_described():
    assert list(closed(SCHEMA)) == []


def test_the_default_config_shows_every_key_and_its_default_is_listed_in_order():
    assert list(DEFAULT) == list(SCHEMA["properties"])
    for key in ("downloads", "filters", "graph", "report", "threads", "gpu", "memory_mb"):
        assert list(DEFAULT[key]) == list(SCHEMA["properties"][key]["properties"])


def test_the_default_config_leaves_every_option_to_its_class():
    assert not any(DEFAULT[key] for key in [*plugins.OPTIONS, "simulation", "files"])


def test_all_options_in_force_are_recorded_with_those_of_the_overlay():
    found = configuration.in_force(changed("model_options", to={"gat": {"neighbours": 2}}))
    assert found["model_options"]["gat"] == plugins.options_of("models", "gat") | {"neighbours": 2}
    assert found["model_options"]["ridge"]["penalties"] == [0.3, 1.0, 3.0, 10.0, 30.0]
    assert found["encoder_options"]["morgan"] == {"radius": 2, "bits": 2048}
    assert found["ablation_options"] == {"shuffle_edges": {"swaps_per_edge": 10}}
    assert "zero" not in found["model_options"] and "esm2" not in found["encoder_options"]
    assert found["models"] == DEFAULT["models"]
    assert found["simulation"] == dataclasses.asdict(SimulationOptions())
    configuration.validate(found, SCHEMA)
