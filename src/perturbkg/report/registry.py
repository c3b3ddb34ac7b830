"""Find the tables and figures of the report: each file of the folder `tables` or `figures` holds one."""

import importlib
import inspect
from pathlib import Path
from typing import Any

BASE_CLASS = {"tables": "Table", "figures": "Figure"}


def files(kind: str) -> list[Path]:
    """Return the files of the tables or the figures (`kind`), sorted. The workflow reads them as it plans."""
    return sorted((Path(__file__).parent / kind).glob("[!_]*.py"))


def names(kind: str) -> list[str]:
    """List the tables or the figures (`kind`), sorted, without importing them."""
    return [path.stem for path in files(kind)]


def load(kind: str, name: str) -> Any:
    """Import a table or figure and return it."""
    module = importlib.import_module(f"perturbkg.report.{kind}.{name}")
    base = getattr(importlib.import_module(f"perturbkg.report.{kind}"), BASE_CLASS[kind])
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define one {base.__name__}, found {len(found)}")
    return found[0]()
