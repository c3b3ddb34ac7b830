"""Find plug-ins: a folder of this package is the registry, a file in it is a plug-in, its name the key.

Files that start with an underscore are shared helpers, not plug-ins. A plug-in file holds exactly one
public subclass of the base class that its folder's `__init__.py` defines, and that class is a dataclass
whose fields are the plug-in's options.
"""

import ast
import dataclasses
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from perturbkg.errors import InputError

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


def names(kind: str) -> list[str]:
    """List the plug-ins of a kind (a key of `BASE_CLASS`), sorted."""
    return sorted(path.stem for path in (PACKAGE / kind).glob("*.py") if not path.stem.startswith("_"))


def source(kind: str, name: str) -> Path:
    """Return the file of a plug-in; raise InputError for an unknown name, listing the known ones."""
    known = names(kind)
    if name not in known:
        raise InputError(f"{kind}: unknown name {name!r}; known are {', '.join(known)}")
    return PACKAGE / kind / f"{name}.py"


@cache
def load(kind: str, name: str) -> type[Any]:
    """Import a plug-in and return its class."""
    source(kind, name)
    module = importlib.import_module(f"perturbkg.{kind}.{name}")
    base = getattr(importlib.import_module(f"perturbkg.{kind}"), BASE_CLASS[kind])
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define one public {base.__name__}, found {len(found)}")
    return found[0]


def create(kind: str, name: str, options: dict[str, Any] | None = None, **fixed: Any) -> Any:
    """Make a plug-in object from the options of the config; an unknown option is an InputError."""
    known = options_of(kind, name)
    for key in options or {}:
        if key not in known:
            raise InputError(f"{kind}.{name}: unknown option {key!r}; known are {', '.join(known) or 'none'}")
    return load(kind, name)(**(options or {}), **fixed)


def options_of(kind: str, name: str) -> dict[str, Any]:
    """Return option -> default of a plug-in, read from its source without importing it.

    The workflow validates options at parse time, where importing torch would cost seconds on every call.
    Options are the annotated fields of the plug-in's class and of the private classes of its folder that
    it inherits from; `ClassVar`s and `seed` are not options.
    """
    tree = ast.parse(source(kind, name).read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef) and not cls.name.startswith("_"):
            found |= _fields(kind, cls, tree) or {}
    found.pop("seed", None)
    return found


def _fields(kind: str, cls: ast.ClassDef, tree: ast.Module) -> dict[str, Any] | None:
    """Return the fields of a class of `tree`, inherited ones first; None if it is no plug-in."""
    bases = [base.id for base in cls.bases if isinstance(base, ast.Name)]
    inherited: dict[str, Any] | None = {} if BASE_CLASS[kind] in bases else None
    for base, shared in _private_bases(kind, cls, tree):
        fields = _fields(kind, base, shared)
        inherited = inherited if fields is None else {**fields, **(inherited or {})}
    if inherited is None:
        return None
    for item in cls.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name) or item.value is None:
            continue
        if (
            ast.unparse(item.annotation).startswith("ClassVar")
            or item.target.id.startswith("_")
            or "field(" in ast.unparse(item.value)
        ):
            continue
        inherited[item.target.id] = ast.literal_eval(item.value)
    return inherited


def constant(kind: str, name: str, constant: str) -> Any:
    """Return a literal ClassVar of a plug-in, read from its source without importing it.

    Raises AttributeError where neither the class nor a private class of its folder sets it.
    """
    path = source(kind, name)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef) and not cls.name.startswith("_"):
            found = _constant(kind, cls, tree, constant)
            if found is not None:
                return ast.literal_eval(found)
    raise AttributeError(f"{path}: no {constant}")


def _constant(kind: str, cls: ast.ClassDef, tree: ast.Module, name: str) -> ast.expr | None:
    """Return the value that a class of `tree`, or a private class that it inherits from, gives a ClassVar."""
    for item in cls.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == name:
            return item.value
    for base, shared in _private_bases(kind, cls, tree):
        if (found := _constant(kind, base, shared, name)) is not None:
            return found
    return None


def _private_bases(
    kind: str, cls: ast.ClassDef, tree: ast.Module
) -> Iterator[tuple[ast.ClassDef, ast.Module]]:
    """Yield the classes that `cls` inherits from and that private modules of its folder define."""
    bases = [base.id for base in cls.bases if isinstance(base, ast.Name)]
    for statement in tree.body:
        module = (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
        if not module.startswith(f"perturbkg.{kind}._"):
            continue
        path = PACKAGE.joinpath(*module.split(".")[1:])
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        shared = ast.parse(path.read_text(encoding="utf-8"))
        for base in shared.body:
            if isinstance(base, ast.ClassDef) and base.name in bases:
                yield base, shared


def fields_of(cls: type[Any]) -> dict[str, Any]:
    """Return option -> default of an imported plug-in class (what `options_of` must agree with)."""
    return {
        field.name: field.default
        for field in dataclasses.fields(cls)
        if field.init and field.default is not dataclasses.MISSING and field.name != "seed"
    }
