"""The files of a model: where they are searched, and that a wrong one is always refused."""

import os
from pathlib import Path

import pytest
import tiny_molformer
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from perturbkg.encoders._language_models import weights
from perturbkg.encoders._language_models.molformer import HEAD, MolFormer, checkpoint_name
from perturbkg.errors import InputError
from perturbkg.io.files import sha256

MODEL, REVISION = "lab/tiny", "0123456789abcdef0123456789abcdef01234567"
FILES = ("config.json", ("model.safetensors", "pytorch_model.bin"))


@pytest.fixture(autouse=True)
def no_cache_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the hub's default cache at an empty folder, and return it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def find(cache_dir: Path | None, **options: dict[str, str]) -> dict[str, Path]:
    """Look for the files of the tiny model."""
    return weights.find(MODEL, REVISION, FILES, cache_dir, instead="morgan", **options)


def in_hub_cache(cache: Path, revision: str = REVISION) -> Path:
    """Write the tiny model as the hub's client does, links and all, and return the snapshot's folder."""
    blobs = tiny_molformer.write(cache / "models--lab--tiny" / "blobs")
    snapshot = cache / "models--lab--tiny" / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for blob in blobs.iterdir():
        (snapshot / blob.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


@pytest.mark.parametrize("place", ["own/lab--tiny", "own"])
def test_a_folder_of_files(tmp_path: Path, place: str) -> None:
    folder = tiny_molformer.write(tmp_path / place)
    assert find(tmp_path / "own") == {name: folder / name for name in ("config.json", "model.safetensors")}


def test_a_folder_of_the_model_comes_before_loose_files(tmp_path: Path) -> None:
    tiny_molformer.write(tmp_path)
    folder = tiny_molformer.write(tmp_path / "lab--tiny")
    assert find(tmp_path)["model.safetensors"] == folder / "model.safetensors"


def test_a_hub_cache_that_is_given_or_the_default_one(tmp_path: Path, no_cache_of_this_machine: Path) -> None:
    snapshot = in_hub_cache(tmp_path / "given")
    assert find(tmp_path / "given")["config.json"] == snapshot / "config.json"
    snapshot = in_hub_cache(no_cache_of_this_machine)
    assert find(None)["config.json"] == snapshot / "config.json"
    assert find(tmp_path / "nothing here")["config.json"] == snapshot / "config.json"


def test_a_branch_of_the_hub_is_the_commit_it_pointed_to(no_cache_of_this_machine: Path) -> None:
    snapshot = in_hub_cache(no_cache_of_this_machine)
    reference = no_cache_of_this_machine / "models--lab--tiny" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text(REVISION)
    found = weights.find(MODEL, "main", FILES, None, instead="morgan")
    assert found["config.json"] == snapshot / "config.json"


def test_another_revision_is_not_used(no_cache_of_this_machine: Path) -> None:
    in_hub_cache(no_cache_of_this_machine, revision="f" * 40)
    with pytest.raises(InputError, match="is wanted in"):
        find(None)


def test_files_of_two_places_are_not_mixed(tmp_path: Path, no_cache_of_this_machine: Path) -> None:
    in_hub_cache(no_cache_of_this_machine)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.json").write_text("{}")
    assert {path.parent.name for path in find(tmp_path / "own").values()} == {REVISION}


def test_the_second_of_two_alternative_files(tmp_path: Path) -> None:
    folder = tiny_molformer.write(tmp_path / "lab--tiny")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    assert find(tmp_path)["model.safetensors"] == folder / "pytorch_model.bin"


def test_a_missing_file_is_one_line_with_two_remedies(tmp_path: Path) -> None:
    tiny_molformer.write(tmp_path / "lab--tiny")
    (tmp_path / "lab--tiny" / "model.safetensors").unlink()
    with pytest.raises(InputError) as caught:
        find(tmp_path)
    assert str(caught.value) == (
        f"lab/tiny: model.safetensors or pytorch_model.bin is wanted in {tmp_path}/lab--tiny or in the cache "
        f"{tmp_path}/hub; fetch it by `hf download lab/tiny config.json model.safetensors "
        f"--revision {REVISION} --local-dir {tmp_path}/lab--tiny`, "
        "or name the encoder morgan instead, which needs no weights"
    )
    with pytest.raises(
        InputError, match=r"lab/tiny: config\.json, model.safetensors or pytorch_model.bin is"
    ):
        find(None)


def test_a_name_that_the_hub_cannot_have() -> None:
    with pytest.raises(InputError, match="model: 'a/b/c' is not a name of the hub"):
        weights.find("a/b/c", "main", ["config.json"], None, instead="morgan")


def test_a_checksum(tmp_path: Path) -> None:
    path = tiny_molformer.write(tmp_path / "lab--tiny") / "model.safetensors"
    digests = {"model.safetensors": sha256(path)}
    assert find(tmp_path, digests=digests)["model.safetensors"] == path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=f"^{path}: its SHA-256 is [0-9a-f]+, the published file has .*; delete"
    ):
        find(tmp_path, digests=digests)


def load(path: Path) -> MolFormer:
    """Return a tiny model with the weights of a file, after different initial ones."""
    made = tiny_molformer.model(seed=9)
    weights.load(made, path, name_of=checkpoint_name, ignored=HEAD)
    return made


def stored(tensors: dict[str, torch.Tensor], path: Path) -> Path:
    """Write tensors in the format of the path's suffix."""
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.fixture(params=["model.safetensors", "pytorch_model.bin"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_every_tensor_is_read(path: Path) -> None:
    made = load(stored(tiny_molformer.checkpoint(seed=1), path))
    expected = tiny_molformer.model(seed=1).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in made.state_dict().items())


def test_a_checkpoint_of_the_old_format(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save(tiny_molformer.checkpoint(seed=1), path, _use_new_zipfile_serialization=False)
    assert torch.equal(load(path).norm.weight, tiny_molformer.model(seed=1).norm.weight)


def test_half_precision_is_widened(path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in tiny_molformer.checkpoint(seed=1).items()}
    found = load(stored(halves, path)).norm.weight
    assert found.dtype == torch.float32
    assert torch.allclose(found, tiny_molformer.model(seed=1).norm.weight, atol=1e-3)


@pytest.mark.parametrize(
    "name", sorted(checkpoint_name(name) for name in tiny_molformer.model().state_dict())
)
def test_any_missing_tensor(tmp_path: Path, name: str) -> None:
    tensors = tiny_molformer.checkpoint()
    del tensors[name]
    path = stored(tensors, tmp_path / "model.safetensors")
    with pytest.raises(
        InputError, match=f"^{path}: not the weights of this MolFormer: {name} missing; fetch"
    ):
        load(path)


def test_surplus_tensors_and_others_of_another_shape(path: Path) -> None:
    tensors = tiny_molformer.checkpoint()
    tensors |= {f"lm_head.other{number}": torch.zeros(1) for number in range(5)}
    tensors["molformer.LayerNorm.bias"] = torch.zeros(2, 3)
    with pytest.raises(InputError) as caught:
        load(stored(tensors, path))
    assert "lm_head.other0, lm_head.other1, lm_head.other2 and 2 more surplus" in str(caught.value)
    assert "molformer.LayerNorm.bias [2, 3] for [24] of another shape" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scalar_does_not_fill_a_vector(path: Path) -> None:
    with pytest.raises(InputError, match=r"bias \[1\] for \[2\] of another shape"):
        weights.load(
            nn.Linear(3, 2),
            stored({"weight": torch.zeros(2, 3), "bias": torch.zeros(1)}, path),
            ignored=["x"],
        )


class _Runs:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_would_run_code(tmp_path: Path, zipped: bool) -> None:
    path, made = tmp_path / "pytorch_model.bin", tmp_path / "made"
    torch.save({"weight": _Runs(made)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=f"^{path}: holds more than tensors, or is damaged") as caught:
        weights.read(path)
    assert not made.exists()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [[torch.zeros(2)], {"weight": 3}, {"state_dict": {"weight": torch.zeros(2)}}]
)
def test_a_checkpoint_that_is_not_a_table_of_tensors(tmp_path: Path, content: object) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save(content, path)
    with pytest.raises(InputError, match=f"^{path}: not a table of tensors by name"):
        weights.read(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_one_line(path: Path, data: st.DataObject) -> None:
    """Bytes missing at the end or changed in the middle give an InputError or tensors, no other error."""
    content = bytearray(
        stored({"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}, path).read_bytes()
    )
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + 4] = data.draw(st.binary(min_size=1, max_size=8))
    path.write_bytes(content)
    try:
        weights.read(path)
    except InputError as error:
        assert "\n" not in str(error)
