"""Check the config: a closed schema for its keys, the plug-in folders for its names and options."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.graph.texts import TEXT_FILES, TEXT_SOURCES
from perturbkg.plugins import nearest
from perturbkg.report.choices import Choices
from perturbkg.simulation.files import FILES, WELLS
from perturbkg.simulation.options import SimulationOptions

#: Config key -> plug-in kind, for the keys that list plug-ins.
LISTS = {"splits": "splits", "models": "models", "metrics": "metrics"}
#: Checks a config by the schema. JSON has one kind of number, so that 2.0 is an integer there; not in Python.
Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)
#: Type of the schema -> how a message calls it.
TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def read(path: str | Path) -> dict[str, Any]:
    """Read one YAML file; a file that is not a mapping is an InputError that names its line."""
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: must hold key: value lines, holds {value!r}")
    return value


def validate(config: dict[str, Any], schema: dict[str, Any]) -> None:
    """Raise InputError in one line (key, value, what is allowed) for the first thing that is wrong."""
    error = best_match(Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(f"config: {_explain(error)}")
    for key, kind, name in _named(config):
        _known(key, kind, name)
    for key, kind in plugins.OPTIONS.items():
        for name, options in config[key].items():
            _known(key, kind, name)
            plugins.check(kind, name, options, f"config: {key}.{name}")
    SimulationOptions.of(config["simulation"])
    Choices.of(config)
    _check_folds(config)
    _check_shares(config)
    _check_evaluate(config)
    _check_label(config)
    _check_files(config)


def options_in_force(config: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    """Return all options of a plug-in: what a config sets under a key of `plugins.OPTIONS`, and defaults."""
    return plugins.settings(plugins.OPTIONS[key], name, config[key].get(name, {}))


def in_force(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config with all options of the simulated world and of every plug-in that it names."""
    used = dict.fromkeys((kind, name) for _, kind, name in _named(config))
    simulation = asdict(SimulationOptions.of(config["simulation"]))
    return (
        config
        | {"simulation": simulation}
        | {
            key: {
                name: options
                for of, name in used
                if of == kind and (options := options_in_force(config, key, name))
            }
            for key, kind in plugins.OPTIONS.items()
        }
    )


def wanted_files(config: dict[str, Any]) -> dict[str, str]:
    """Return the file keys that the chosen plug-ins cannot do without, and what each is."""
    signatures = config["signatures"]
    described = plugins.constant("signatures", signatures, "files")
    needs = plugins.constant("signatures", signatures, "needs")
    label = plugins.constant("signatures", signatures, "labels")[config["label"]]
    keys = dict.fromkeys([*(key for step in needs.values() for key in step), *label])
    return {
        **plugins.constant("knowledge_graphs", config["knowledge_graph"], "files"),
        **{key: described[key] for key in keys if key in described},
        **plugins.constant("baselines", config["baseline"], "files"),
    }


def published_files(config: dict[str, Any]) -> dict[str, str]:
    """Return file key -> name in the catalogue of sources, for what the chosen plug-ins can read."""
    label = plugins.constant("signatures", config["signatures"], "labels")[config["label"]]
    needs = plugins.constant("signatures", config["signatures"], "needs")
    used = {*label, *(key for step in needs.values() for key in step)}
    sources = plugins.constant("signatures", config["signatures"], "sources")
    return {
        **TEXT_SOURCES,
        **{key: name for key, name in sources.items() if key in used},
        **plugins.constant("knowledge_graphs", config["knowledge_graph"], "sources"),
        **plugins.constant("baselines", config["baseline"], "sources"),
    }


def known_files() -> set[str]:
    """Return every file key that some plug-in reads."""
    known = set(TEXT_FILES)
    for kind in ("knowledge_graphs", "signatures", "baselines"):
        for name in plugins.names(kind):
            known |= set(plugins.constant(kind, name, "files"))
            if kind == "signatures":
                known |= set(plugins.constant(kind, name, "optional_files"))
    return known


def _check_label(config: dict[str, Any]) -> None:
    offered = plugins.constant("signatures", config["signatures"], "labels")
    if config["label"] not in offered:
        raise InputError(
            f"config: label: {config['label']!r} is not offered by signatures {config['signatures']!r}; "
            f"allowed is {', '.join(offered)}"
        )


def _check_folds(config: dict[str, Any]) -> None:
    """Refuse a validation share that leaves nothing to train on."""
    folds, validation = config["folds"], config["validation"]
    if validation >= 1 - 1 / folds:
        raise InputError(
            f"config: validation: {validation} leaves nothing to train on beside a test part of 1/{folds}; "
            f"it must be below {1 - 1 / folds:g} with {folds} folds"
        )


def _check_evaluate(config: dict[str, Any]) -> None:
    """Refuse to test on a dose or time that the filters remove."""
    for key, tolerance in (("dose_um", config["filters"]["dose_tolerance"]), ("time_h", 0.0)):
        asked, kept = (config["evaluate"] or {}).get(key), config["filters"][key]
        if asked is not None and kept is not None and abs(asked - kept) > (tolerance + 1e-6) * kept:
            raise InputError(
                f"config: evaluate.{key}: {asked:g} is removed by filters.{key}: {kept:g}; set that to null"
            )


def _check_shares(config: dict[str, Any]) -> None:
    """Refuse shares of the training groups without all of them."""
    if 1 not in config["train_share"]:
        raise InputError(
            f"config: train_share: {config['train_share']} has no 1, the share that the report "
            "compares models on; add 1"
        )


def _check_files(config: dict[str, Any]) -> None:
    """Refuse file keys that nothing reads, and wanted files that nothing gives."""
    known = known_files()
    for key in config["files"]:
        if key not in known:
            raise InputError(
                f"config: files: unknown key {key!r}{nearest(key, list(known))}; known are "
                f"{', '.join(sorted(known))}"
            )
    for key, what in wanted_files(config).items():
        if config["files"].get(key) is not None:
            continue
        if config["source"] == "files":
            raise InputError(f"config: files.{key}: not given, but `source: files` needs its path: {what}")
        if config["source"] == "simulated" and key not in FILES | WELLS:
            raise InputError(
                f"config: files.{key}: the simulated world has no such file; give the path of: {what}"
            )
        if config["source"] == "download" and key not in published_files(config):
            raise InputError(f"config: files.{key}: no publisher offers it; give the path of: {what}")


def _named(config: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, kind, name) of every plug-in that the config names."""
    for key, kind in plugins.SINGLES.items():
        yield key, kind, config[key]
    for key, kind in LISTS.items():
        for name in config[key]:
            yield key, kind, name
    for node_type, encoders in config["encoders"].items():
        for name in encoders:
            yield f"encoders.{node_type}", "encoders", name
    for model, ablations in config["ablations"].items():
        yield "ablations", "models", model
        for name in ablations:
            yield f"ablations.{model}", "ablations", name


def _known(key: str, kind: str, name: str) -> None:
    known = plugins.names(kind)
    if name not in known:
        raise InputError(
            f"config: {key}: unknown name {name!r}{nearest(name, known)}; known are {', '.join(known)}"
        )


def _explain(error: ValidationError) -> str:
    """Say in one line: key, value, what is allowed."""
    key = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path
    ).lstrip(".")
    prefix = f"{key}: " if key else ""
    rule, allowed, value = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties" and isinstance(error.schema, dict):
        known = list(error.schema["properties"])
        unknown = sorted(set(value) - set(known))[0]
        return f"{prefix}unknown key {unknown!r}{nearest(unknown, known)}; allowed are {', '.join(known)}"
    if rule == "required":
        missing = sorted(set(allowed) - set(value))[0]
        return f"{prefix}key {missing!r} is missing"
    if rule == "type":
        kinds = [TYPES[kind] for kind in (allowed if isinstance(allowed, list) else [allowed])]
        whole = allowed == "integer" and isinstance(value, float) and value.is_integer()
        shown = "null" if value is None else repr(value)
        return f"{prefix}{shown} must be {' or '.join(kinds)}" + (f", write {int(value)}" if whole else "")
    if rule == "enum":
        return f"{prefix}{value!r} is not allowed; allowed are {', '.join(map(str, allowed))}"
    if rule == "not":
        return f"{prefix}{value!r} is not allowed: {allowed['description']}"
    meaning = error.schema.get("description")
    return f"{prefix}{value!r} is not allowed: {error.message}" + (f" ({meaning})" if meaning else "")
