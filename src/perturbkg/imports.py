"""Find and fingerprint the files of this package that a script depends on, without importing them.

Snakemake reruns a rule when its script changes, but not when a module that the script imports changes. So the
workflow gives each rule a digest of these files as a parameter, and Snakemake reruns it when that changes.
"""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

from perturbkg.parsed import absolute

PACKAGE = Path(__file__).resolve().parent


@cache
def _nodes(path: Path) -> list[ast.AST]:
    """Return the import statements and constants of a file; it is parsed and walked only once."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom | ast.Constant)]


@cache
def imported(path: Path) -> frozenset[Path]:
    """Return the package files that the import statements of one file name, also inside functions.

    A plug-in of another package is followed into its own package, too.
    """
    found: set[Path] = set()
    home = _home(path)
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _files_of(alias.name, home)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                if home is None:
                    raise ValueError(f"{path}:{node.lineno}: relative import in a file that is in no package")
                module = absolute(path.parent, node.level, module)
            for alias in node.names:
                found |= _files_of(f"{module}.{alias.name}", home)
    return frozenset(found)


def _home(path: Path) -> Path | None:
    """Return the folder of the outermost package that a file is in."""
    folder = path.parent
    if not (folder / "__init__.py").is_file():
        return None
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _files_of(dotted: str, home: Path | None) -> set[Path]:
    """Return the files that importing `dotted` runs: each package on the way and the module at its end.

    Only those of this package and of the package `home` count.
    """
    first, *rest = dotted.split(".")
    place = PACKAGE if first == PACKAGE.name else home
    if place is None or place.name != first:
        return set()
    found = {place / "__init__.py"}
    for part in rest:
        if (place / part).is_dir():
            place = place / part
            found.add(place / "__init__.py")
        else:
            if (place / f"{part}.py").is_file():
                found.add(place / f"{part}.py")
            break
    return found


@cache
def data_of(path: Path) -> frozenset[Path]:
    """Return the data files that a module reads: those in its folder that it names in a string.

    A name may also be that of a folder, such as "templates", which stands for every file in it.
    """
    named = {
        node.value for node in _nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found: set[Path] = set()
    for item in path.parent.iterdir():
        if item.name not in named or item.suffix == ".py" or (item / "__init__.py").is_file():
            continue
        files = [item] if item.is_file() else item.rglob("*")
        found |= {file for file in files if file.is_file() and not file.name.startswith(".")}
    return frozenset(found)


def reached(*starts: Path) -> list[Path]:
    """Return every package file that the given files import, directly or not, without themselves, sorted."""
    seen: set[Path] = set()
    waiting = [start.resolve() for start in starts]
    while waiting:
        for path in imported(waiting.pop()):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return sorted(seen)


@cache
def digest(*starts: Path) -> str:
    """Return the SHA-256 of the given files, of all they import, and of the data files these read.

    It depends on contents and on names within the package, not on where the package is.
    """
    modules = {*(start.resolve() for start in starts), *reached(*starts)}
    files = modules.union(*(data_of(path) for path in modules if path.is_relative_to(PACKAGE)))
    lines = sorted(f"{_content(path)} {_name(path)}" for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name


def show_to_jobs() -> None:
    """Let the jobs of a workflow, which run in their own environments, import this package."""
    paths = [str(PACKAGE.parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
