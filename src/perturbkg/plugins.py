"""Find plug-ins: a folder of this package is the registry, a file in it is a plug-in, its name the key.

Files that start with an underscore are shared helpers, not plug-ins. A plug-in file holds exactly one
public subclass of the base class that its folder's `__init__.py` defines, and that class is a dataclass
whose fields are the plug-in's options (`perturbkg.options`). Installed packages add plug-ins of their own
by entry points of the group `perturbkg.<kind>`, each of which names a module, such as
`my_model = "my_package.my_model"`.
"""

import difflib
import importlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from perturbkg import imports
from perturbkg.errors import InputError
from perturbkg.extras import explained
from perturbkg.options import Declared, Option, read_class
from perturbkg.parsed import locate, not_python

PACKAGE = Path(__file__).parent
BASE_CLASS = {
    "ablations": "Ablation",
    "baselines": "Baseline",
    "encoders": "Encoder",
    "knowledge_graphs": "KnowledgeGraph",
    "metrics": "Metric",
    "models": "Model",
    "signatures": "SignatureSource",
    "splits": "Split",
}
#: Config key -> kind, for the kinds of which a dataset has one plug-in.
SINGLES = {"knowledge_graph": "knowledge_graphs", "signatures": "signatures", "baseline": "baselines"}
#: Config key -> kind, for the kinds whose options a config sets.
OPTIONS = {
    "encoder_options": "encoders",
    "split_options": "splits",
    "model_options": "models",
    "ablation_options": "ablations",
}
NAME = re.compile(r"[a-z][a-z0-9_]*")


def names(kind: str) -> list[str]:
    """List the plug-ins of a kind (a key of `BASE_CLASS`), sorted."""
    return sorted({*_own(kind), *_installed(kind)})


def known_kind(kind: str) -> str:
    """Return a kind in the plural (`model` is `models`); raise InputError for an unknown one."""
    for known in BASE_CLASS:
        if kind in (known, known.removesuffix("s")):
            return known
    raise InputError(f"unknown kind {kind!r}{nearest(kind, BASE_CLASS)}; known are {', '.join(BASE_CLASS)}")


def source(kind: str, name: str) -> Path:
    """Return the file of a plug-in; raise InputError for an unknown name, listing the known ones."""
    own, installed = _own(kind), _installed(kind)
    if name in own:
        return own[name]
    if name not in installed:
        known = names(kind)
        raise InputError(f"{kind}: unknown name {name!r}{nearest(name, known)}; known are {', '.join(known)}")
    path = locate(installed[name].module)
    if path is None:
        raise InputError(
            f"{kind}: {name!r}: {_owner(installed[name])} names the module {installed[name].module!r}, which "
            "is not there; install that package again"
        )
    return path


@cache
def load(kind: str, name: str) -> type[Any]:
    """Import a plug-in and return its class."""
    declared = _declared(kind, name)
    own = f"perturbkg.{kind}.{name}"
    module = own if name in _own(kind) else _installed(kind)[name].module
    try:
        with explained(lambda: packages([(kind, name)])):
            return getattr(importlib.import_module(module), declared.name)
    except SyntaxError as error:  # of a file that the plug-in imports
        raise not_python(error.filename or declared.path, error) from error


def packages(chosen: Iterable[tuple[str, str]]) -> set[str]:
    """Return the packages that plug-ins, given as (kind, name), import, directly or through this package."""
    files = [source(kind, name) for kind, name in chosen]
    return imports.outside(*files, *imports.reached(*files))


def create(kind: str, name: str, options: dict[str, Any] | None = None, **fixed: Any) -> Any:
    """Make a plug-in object from the options of the config; a wrong option is an InputError."""
    check(kind, name, options or {}, f"{kind}.{name}")
    return load(kind, name)(**(options or {}), **fixed)


def described(kind: str, name: str) -> dict[str, Option]:
    """Return the options of a plug-in with types, defaults and meanings, read without importing it."""
    return _declared(kind, name).options


def options_of(kind: str, name: str) -> dict[str, Any]:
    """Return option -> default of a plug-in, read without importing it."""
    return {option.name: option.default for option in described(kind, name).values()}


def settings(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a plug-in as a config holds them: those given, and defaults for the others."""
    return {option.name: option.setting for option in described(kind, name).values()} | dict(options)


def check(kind: str, name: str, options: Mapping[str, Any], key: str) -> None:
    """Raise InputError, naming the `key` of the config, for an option that is unknown or does not fit."""
    known = described(kind, name)
    for option, value in options.items():
        if option not in known:
            raise InputError(
                f"{key}: unknown option {option!r}{nearest(option, known)}; "
                f"known are {', '.join(known) or 'none'}"
            )
        if problem := known[option].problem(value):
            raise InputError(f"{key}.{option}: {problem}; the default is {known[option].default!r}")


def constant(kind: str, name: str, constant: str) -> Any:
    """Return a class attribute of a plug-in, read without importing it.

    Raises AttributeError where neither the class nor one that it inherits from sets it.
    """
    return _declared(kind, name).constant(constant)


def constant_or(kind: str, name: str, constant: str, default: Any) -> Any:
    """Return a class attribute of a plug-in, or a default where no class sets it."""
    try:
        return _declared(kind, name).constant(constant)
    except AttributeError:
        return default


def summaries(kind: str, name: str) -> tuple[str, str]:
    """Return what the docstrings of a plug-in's module and class begin with, one line each."""
    return _declared(kind, name).summaries


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known name that is most like a wrong one, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _own(kind: str) -> dict[str, Path]:
    """Return name -> file of the plug-ins in this package."""
    return {path.stem: path for path in (PACKAGE / kind).glob("*.py") if not path.stem.startswith("_")}


@cache
def _installed(kind: str) -> dict[str, EntryPoint]:
    """Return name -> entry point of the plug-ins in other packages; a name that is taken is an InputError."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"perturbkg.{kind}"):
        if not NAME.fullmatch(point.name):
            raise InputError(
                f"{kind}: {_owner(point)} calls a plug-in {point.name!r}; "
                "a name has lower-case letters, digits and underscores only"
            )
        taken = "perturbkg" if point.name in _own(kind) else _owner(found.get(point.name))
        if taken:
            raise InputError(
                f"{kind}: the name {point.name!r} is taken twice, by {taken} and by {_owner(point)}; "
                "rename one of them or uninstall its package"
            )
        found[point.name] = point
    return found


def _owner(point: EntryPoint | None) -> str:
    """Name the package that an entry point belongs to."""
    return "" if point is None else f"package {point.dist.name!r}" if point.dist else point.value


def _declared(kind: str, name: str) -> Declared:
    return read_class(source(kind, name), BASE_CLASS[kind], PACKAGE / kind / "__init__.py")
