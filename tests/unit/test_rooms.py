"""Imports between the rooms of the package run one way: a room reads only from the rooms above it."""

from pathlib import Path

import perturbkg
from perturbkg import imports

PACKAGE = Path(perturbkg.__file__).parent
# Folders and modules of the package: those of one line import only from the lines above and from themselves.
ROOMS = [
    ["errors"],
    ["extras"],
    ["io"],
    ["parsed"],
    ["imports", "options"],
    ["plugins"],
    ["schemas", "provenance"],
    ["attention", "metrics", "sources"],
    ["graph"],
    ["data", "drugs", "simulation", "encoders"],
    ["knowledge_graphs", "signatures"],
    ["baselines", "splits", "load", "ablations"],
    ["kernels"],
    ["training"],
    ["models"],
    ["scoring"],
    ["report"],
    ["config"],
    ["skeletons"],
    ["cli"],
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def room_of(path: Path) -> str:
    """Return the room of a file: its folder in the package, or its own name at the top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a file imports, at the top or inside functions."""
    split = [name.split(".") for name in imports.imported_names(path)]
    return {
        parts[1]
        for parts in split
        if parts[0] == PACKAGE.name and len(parts) > 1 and not parts[1].startswith("__")
    }


def test_imports_are_found_in_every_form(tmp_path: Path) -> None:
    folder = tmp_path / "perturbkg" / "io"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").touch()
    file = folder / "x.py"
    file.write_text(
        "import perturbkg.a\nfrom perturbkg import b\nfrom perturbkg.c import d\nfrom .. import e\n"
        "def f():\n    from ..g.h import i\nfrom . import j\nimport numpy\n"
    )
    assert imported_rooms(file) == {"a", "b", "c", "e", "g", "io"}


def test_every_room_is_in_the_list() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms == set(LEVEL), "add a new folder or module of the package to ROOMS, and remove deleted ones"


def test_imports_run_one_way() -> None:
    upward = [
        f"{path.relative_to(PACKAGE)} imports {target}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for room in [room_of(path)]
        if room != "__init__"
        for target in sorted(imported_rooms(path))
        if target != room and LEVEL[target] >= LEVEL[room]
    ]
    assert not upward, "\n".join(upward)
