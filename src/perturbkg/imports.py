"""Find and fingerprint the files that a script or plug-in depends on, without importing them.

Snakemake reruns a rule when its script changes, but not when a module that the script imports changes. So the
workflow gives each rule a digest of these files as a parameter, and Snakemake reruns it when that changes.

Followed are the modules of this package, and those that belong to the file: of its own package, beside it
where it is in no package, or installed with it. Other packages are not followed.
"""

import ast
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from perturbkg.errors import InputError
from perturbkg.io import files
from perturbkg.parsed import absolute, syntax_tree

PACKAGE = Path(__file__).resolve().parent
INIT = "__init__.py"


@cache
def _nodes(path: Path) -> list[ast.AST]:
    """Return the import statements and constants of a file; it is parsed and walked only once."""
    tree = syntax_tree(path)
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom | ast.Constant)]


@cache
def imported(path: Path) -> frozenset[Path]:
    """Return the files that the imports of one file run, also those inside functions, and its own packages.

    Raises InputError for a relative import that leads to no file.
    """
    packages = _packages(path)
    found = {folder / INIT for folder in packages}
    root = packages[-1].parent if packages else path.parent
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _absolute(alias.name, path, root)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}" if node.module else alias.name
                if node.level:
                    found |= _relative(dotted, path, node)
                else:
                    found |= _absolute(dotted, path, root)
    return frozenset(found)


@cache
def imported_names(path: Path) -> frozenset[str]:
    """Return what a file imports, also inside functions, as full names: of `from a import b`, `a.b`."""
    found: set[str] = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = absolute(path.parent, node.level, module)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def outside(*paths: Path) -> set[str]:
    """Return the packages that files import, without this one and the standard library."""
    tops = {name.partition(".")[0] for path in paths for name in imported_names(path)}
    return tops - sys.stdlib_module_names - {PACKAGE.name}


def _packages(path: Path) -> list[Path]:
    """Return the folders of the packages that a file is in, the innermost first."""
    folders = []
    for folder in path.parents:
        if not (folder / INIT).is_file():
            break
        folders.append(folder)
    return folders


def _absolute(dotted: str, path: Path, root: Path) -> set[Path]:
    """Return the files that importing `dotted` in the file `path` runs, among those that are followed.

    `root` is the folder of the file's outermost package, or of the file.
    """
    first, *rest = dotted.split(".")
    if first == PACKAGE.name:
        return _run(PACKAGE.parent, [first, *rest])
    if path.is_relative_to(PACKAGE):
        return set()
    found: set[Path] = set()
    if _is_own(first, path, root):
        found |= _run(root, [first, *rest])
    # The folder of a namespace package has no __init__.py, so only its name shows that the file is in it.
    for folder in (root, *root.parents):
        if folder.name == first:
            found |= _run(folder.parent, [first, *rest])
    return found


def _relative(dotted: str, path: Path, node: ast.ImportFrom) -> set[Path]:
    """Return the files that a relative import of `dotted` in the file `path` runs."""
    start = path.parents[min(node.level, len(path.parents)) - 1]
    found = _run(start, dotted.split("."))
    if not found and not (start / INIT).is_file():
        raise InputError(
            f"{path}:{node.lineno}: the relative import of {dotted!r} leads to no file in {start}; "
            f"correct it, or add {INIT} if that folder is a package"
        )
    return found


def _run(folder: Path, names: Sequence[str]) -> set[Path]:
    """Return the files that importing these nested names, the first of them in `folder`, runs.

    They are each package on the way and the module at its end; a last name may be one inside a module.
    """
    found: set[Path] = set()
    for name in names:
        module, folder = folder / f"{name}.py", folder / name
        if (folder / INIT).is_file():
            found.add(folder / INIT)
        elif module.is_file():
            found.add(module)
            break
    return found


def _is_own(first: str, path: Path, root: Path) -> bool:
    """Return whether the top-level name `first` in the folder `root` belongs to the file `path`.

    In a folder of installed packages, those that were installed with the file do: following all would mean to
    parse NumPy and torch.
    """
    place = path.relative_to(root)
    own = _installed_with(place.as_posix(), root)
    return own is None or first in own or first == place.parts[0].removesuffix(".py")


@cache
def _installed_with(place: str, root: Path) -> frozenset[str] | None:
    """Return the top-level names that were installed with the file `place` of the folder `root`.

    None if it is no folder of installed packages: these have a list of the files of each.
    """
    lists = [record.read_text(encoding="utf-8") for record in root.glob("*.dist-info/RECORD")]
    for listed in lists:
        if f"\n{place}," in f"\n{listed}":
            lines = listed.splitlines()
            return frozenset(line.partition(",")[0].partition("/")[0].removesuffix(".py") for line in lines)
    return frozenset() if lists else None


@cache
def data_of(path: Path) -> frozenset[Path]:
    """Return the data files that a module reads: those in its folder that it names in a string.

    In a package, a name may also be that of a folder, such as "templates", which stands for every file in it.
    Elsewhere it may not: a folder of projects may hold any amount of data under any name.
    """
    named = {
        node.value for node in _nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    in_package = (path.parent / INIT).is_file()
    found: set[Path] = set()
    for item in path.parent.iterdir():
        if item.name not in named or item.suffix == ".py" or (item / INIT).is_file():
            continue
        inside = [item] if item.is_file() else item.rglob("*") if in_package else []
        found |= {
            file
            for file in inside
            if file.is_file() and not file.name.startswith(".") and file.suffix != ".pyc"
        }
    return frozenset(found)


def reached(*starts: Path) -> list[Path]:
    """Return every file that is followed from the given ones, directly or not, sorted."""
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
    read = modules.union(*map(data_of, modules))
    lines = sorted(f"{_content(path)} {_name(path)}" for path in read)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _content(path: Path) -> str:
    """Return the SHA-256 of a file, but not of its line with a version: a release alone changes no result."""
    with files.reached(path):
        content = path.read_bytes()
    if path.suffix == ".py":
        content = re.sub(rb"(?m)^__version__ = .*$", b"", content)
    return hashlib.sha256(content).hexdigest()


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name


def show_to_jobs() -> None:
    """Let the jobs of a workflow, which run in their own environments, import this package."""
    paths = [str(PACKAGE.parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
