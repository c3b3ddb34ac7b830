"""Find the files of this package that a script reaches by its imports, without importing anything.

Snakemake reruns a rule when its script changes, not when a module that the script imports does. The
workflow therefore lists these files as inputs of the rule, and results never go stale silently.
"""

import ast
import os
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def imported(path: Path) -> frozenset[Path]:
    """Return the package files that one file names in its import statements, wherever they stand."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _files_of(alias.name)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(
                    f"{path}:{node.lineno}: relative import; the workflow follows absolute ones only"
                )
            for alias in node.names:
                found |= _files_of(f"{node.module}.{alias.name}")
    return frozenset(found)


def _files_of(dotted: str) -> set[Path]:
    """Return the files that importing `dotted` runs: each package on the way and the module at its end."""
    first, *rest = dotted.split(".")
    if first != PACKAGE.name:
        return set()
    found = {PACKAGE / "__init__.py"}
    place = PACKAGE
    for part in rest:
        if (place / part).is_dir():
            place = place / part
            found.add(place / "__init__.py")
        else:
            if (place / f"{part}.py").is_file():
                found.add(place / f"{part}.py")
            break
    return found


def show_to_jobs() -> None:
    """Let the jobs of a workflow, which run in environments of their own, import this package."""
    paths = [str(PACKAGE.parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))


def reached(*starts: Path) -> list[Path]:
    """Return every package file that the given files reach by imports, themselves excluded, sorted."""
    seen: set[Path] = set()
    waiting = [start.resolve() for start in starts]
    while waiting:
        for path in imported(waiting.pop()):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return sorted(seen)
