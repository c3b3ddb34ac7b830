"""Check the config: a closed schema for its keys, the plug-in folders for its names and options."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.simulation.options import SimulationOptions

#: Config key -> plug-in kind, for the keys that list plug-ins.
LISTS = {"splits": "splits", "models": "models", "metrics": "metrics"}
SINGLES = {"knowledge_graph": "knowledge_graphs", "signatures": "signatures"}
OPTIONS = {
    "encoder_options": "encoders",
    "split_options": "splits",
    "model_options": "models",
    "ablation_options": "ablations",
}
TYPE_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a text", tuple: "a list"}


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
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(f"config: {_explain(error)}")
    for key, kind, name in _named(config):
        _known(key, kind, name)
    for key, kind in OPTIONS.items():
        for name, options in config[key].items():
            _known(key, kind, name)
            _check_options(f"{key}.{name}", plugins.options_of(kind, name), options)
    SimulationOptions.of(config["simulation"])
    if config["report"]["reference"] not in config["models"]:
        raise InputError(
            f"config: report.reference: {config['report']['reference']!r} is not one of models: "
            f"{', '.join(config['models'])}"
        )
    if config["source"] == "files":
        for key in ("kg", "gctx", "siginfo", "compoundinfo", "cellinfo", "geneinfo", "baseline"):
            if config["files"][key] is None:
                raise InputError(f"config: files.{key}: null, but `source: files` needs its path")


def _named(config: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, kind, name) of every plug-in that the config names."""
    for key, kind in SINGLES.items():
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
            f"config: {key}: unknown name {name!r}{_nearest(name, known)}; known are {', '.join(known)}"
        )


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _check_options(key: str, known: dict[str, Any], options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise InputError(
                f"config: {key}: unknown option {name!r}{_nearest(name, list(known))}; known are {allowed}"
            )
        default = known[name]
        fits = (
            default is None
            or type(value) is type(default)
            or (isinstance(default, float) and type(value) is int)
            or (isinstance(default, tuple) and isinstance(value, list))
        )
        if not fits:
            raise InputError(
                f"config: {key}.{name}: {value!r} must be {TYPE_NAMES[type(default)]}, like {default!r}"
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
        return f"{prefix}unknown key {unknown!r}{_nearest(unknown, known)}; allowed are {', '.join(known)}"
    if rule == "required":
        missing = sorted(set(allowed) - set(value))[0]
        return f"{prefix}key {missing!r} is missing"
    if rule == "type":
        kinds = allowed if isinstance(allowed, list) else [allowed]
        return f"{prefix}{value!r} must be {' or '.join(str(kind) for kind in kinds)}"
    if rule == "enum":
        return f"{prefix}{value!r} is not allowed; allowed are {', '.join(map(str, allowed))}"
    return f"{prefix}{value!r} is not allowed: {error.message} ({error.schema.get('description', '')})"
