"""Start a plug-in: write a commented file that already meets the contract of its kind.

Each `<kind>.py` here is a working plug-in called `skeleton`; `examples/` has the examples that the contracts
of readers ask for. They are copied under the new name, never imported.
"""

import keyword
from pathlib import Path

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.io.files import write_text
from perturbkg.metrics import value_infos

FOLDER = Path(__file__).parent
CHECKOUT = plugins.PACKAGE.parents[1]
#: Kind -> how a config names a plug-in of it.
NAMED = {
    "ablations": "ablations: {{gat: [{name}]}}",
    "baselines": "baseline: {name}",
    "encoders": "encoders: {{gene/protein: [{name}]}}",
    "knowledge_graphs": "knowledge_graph: {name}",
    "metrics": "metrics: [pearson, {name}]",
    "models": "models: [gat, mlp, {name}]",
    "signatures": "signatures: {name}",
    "splits": "splits: [random, {name}]",
}


def write_skeleton(kind: str, name: str, folder: Path | None = None) -> list[Path]:
    """Write a plug-in, and for a reader its example; return the files, the plug-in first.

    Without a `folder` they go to their places in the checkout that this package is run from. A name that is
    taken, or that Python or a config cannot use, is an InputError, and so is a file that is already there.
    """
    _check_name(kind, name)
    if folder is None and not (CHECKOUT / "tests/contracts").is_dir():
        raise InputError(
            f"{CHECKOUT}: not a checkout of PerturbKG; say with --out which folder to write into"
        )
    home = CHECKOUT / "src/perturbkg" / kind if folder is None else folder
    example = (CHECKOUT / "tests" if folder is None else folder) / "source_examples" / kind / name
    written = {home / f"{name}.py": FOLDER / f"{kind}.py"}
    for source in sorted((FOLDER / "examples" / kind).glob("*.*")):
        written[example / _renamed(source.name.removesuffix(".in"), name)] = source
    for path in written:
        if path.exists():
            raise InputError(f"{path}: is already there; choose another name, or remove it first")
    for path, source in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(_renamed(source.read_text(encoding="utf-8"), name), path)
    return list(written)


def next_steps(kind: str, name: str, folder: Path | None = None) -> list[str]:
    """Say what to do with a skeleton that was written."""
    steps = ["Say in its docstrings what it is, and rewrite its methods."]
    if folder is None:
        steps.append(f"Run `pytest tests/contracts/test_{kind}.py -k {name}`, and `make docs`.")
    else:
        steps.append(
            "Put it into a package, and make it known in the pyproject.toml of that: "
            f'[project.entry-points."perturbkg.{kind}"] {name} = "<package>.{name}"'
        )
    return [*steps, f"Name it in a config: `{NAMED[kind].format(name=name)}`."]


def _check_name(kind: str, name: str) -> None:
    if not plugins.NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InputError(
            f"{name!r}: a plug-in is called by lower-case letters, digits and underscores, a letter first"
        )
    if name in plugins.names(kind):
        raise InputError(
            f"{kind}: {name!r} is already there: {plugins.source(kind, name)}; choose another name"
        )
    if kind != "metrics":
        return
    # The value of a new metric has the metric's name, and the value of an older one may be called like that.
    for metric in plugins.names(kind):
        if name in value_infos([metric]):
            raise InputError(f"{kind}: {name!r} is already a value of {metric!r}; choose another name")


def _renamed(text: str, name: str) -> str:
    """Replace the name of the skeleton, and that of its class."""
    return text.replace("Skeleton", "".join(map(str.capitalize, name.split("_")))).replace("skeleton", name)
