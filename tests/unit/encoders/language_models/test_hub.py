"""Weights fetched from a loopback hub: once, complete, of the right revision; errors otherwise."""

import re
import resource
import shutil
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_models
import tiny_molformer
from huggingface_hub import close_session
from servers import Fault, Server

from perturbkg import plugins
from perturbkg.encoders._language_models import weights
from perturbkg.encoders._language_models.hub import fetch
from perturbkg.errors import InputError
from perturbkg.io.files import read_json

ROOT = Path(__file__).parents[4]
MODEL, REVISION = "lab/tiny", "0123456789abcdef0123456789abcdef01234567"
FILES = ("config.json", ("model.safetensors", "pytorch_model.bin"))
LARGE = "model.safetensors"


class Hub(Server):
    """A server that answers as the hub does: the commit, a tag of the content, why something is absent."""

    def publish(
        self, folder: Path, *, model: str = MODEL, revision: str = REVISION, commit: str = REVISION
    ) -> Path:
        """Serve the files of a folder as those of a model at a revision; return their folder."""
        place = self.folder / model / "resolve" / revision
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        for path in place.iterdir():
            digest = sha256(path.read_bytes()).hexdigest()
            # As on the hub: small files are identified by another hash.
            tag = digest if path.suffix == ".safetensors" else digest[:40]
            headers = {"X-Repo-Commit": commit, "ETag": f'"{tag}"'}
            self.always[self.path(path.name, model, revision)] = Fault(headers=headers)
        for absent in {LARGE, "pytorch_model.bin", "tokenizer.json", "vocab.json"} - {
            path.name for path in place.iterdir()
        }:
            self.refuse(absent, 404, "EntryNotFound", model=model, revision=revision)
        return place

    def refuse(
        self, name: str, status: int, code: str = "", *, model: str = MODEL, revision: str = REVISION
    ) -> None:
        """Answer with a status instead of a file from now on."""
        headers = {"X-Error-Code": code} if code else {}
        self.always[self.path(name, model, revision)] = Fault(status=status, headers=headers)

    def path(self, name: str, model: str = MODEL, revision: str = REVISION) -> str:
        """Return the path of a file's address."""
        return f"/{model}/resolve/{revision}/{name}"

    def sent(self) -> list[str]:
        """Return the names of the files whose content was requested, in order."""
        return [Path(request.path).name for request in self.requests if request.method == "GET"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a hub with the tiny model; the client asks only this hub, without long pauses."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "own cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    for module in ("file_download", "utils._http"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time.sleep", lambda _: None)
    (tmp_path / "served").mkdir()
    with Hub(tmp_path / "served") as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca))
        close_session()
        server.publish(tiny_molformer.write(tmp_path / "published"))
        yield server
        close_session()


@pytest.fixture
def download(hub: Hub, tmp_path: Path) -> Any:
    """Return a call that fetches the tiny model."""

    def call(**changed: Any) -> dict[str, Any]:
        values = {"model": MODEL, "revision": REVISION, "files": FILES, "cache_dir": tmp_path / "weights"}
        values |= {"lock": tmp_path / "lock.json", "instead": "morgan"} | changed
        return fetch(**values)

    return call


def published(tmp_path: Path, name: str) -> bytes:
    return (tmp_path / "published" / name).read_bytes()


def test_files_are_fetched_once_and_their_receipt_says_what_they_are(
    hub: Hub, download: Any, tmp_path: Path
) -> None:
    receipt = download(digests={LARGE: sha256(published(tmp_path, LARGE)).hexdigest()})
    assert (receipt["model"], receipt["revision"]) == (MODEL, REVISION)
    assert sorted(receipt["files"]) == ["config.json", LARGE]
    for name, entry in receipt["files"].items():
        content = published(tmp_path, name)
        assert Path(entry["path"]).read_bytes() == content
        assert (entry["bytes"], entry["sha256"]) == (len(content), sha256(content).hexdigest())
    assert {name: entry["verified"] for name, entry in receipt["files"].items()} == {
        "config.json": "lock",
        LARGE: "published",
    }
    assert read_json(tmp_path / "lock.json") == {
        "lab/tiny/config.json": {REVISION: {"download": receipt["files"]["config.json"]["sha256"]}}
    }
    found = weights.find(MODEL, REVISION, FILES, tmp_path / "weights", instead="morgan")
    assert {str(path) for path in found.values()} == {entry["path"] for entry in receipt["files"].values()}
    requested = len(hub.requests)
    assert download(digests={LARGE: receipt["files"][LARGE]["sha256"]}) == receipt
    assert len(hub.requests) == requested


def test_only_the_needed_files_are_requested(hub: Hub, download: Any, tmp_path: Path) -> None:
    (tmp_path / "published" / "modeling_tiny.py").write_text("raise SystemExit")
    (tmp_path / "published" / "pytorch_model.bin").write_bytes(b"\x80")
    hub.publish(tmp_path / "published")
    download()
    assert {Path(request.path).name for request in hub.requests} == {"config.json", LARGE}
    assert not list((tmp_path / "weights").rglob("*.py"))


def test_of_two_alternatives_the_first_that_the_hub_has_is_fetched(
    hub: Hub, download: Any, tmp_path: Path
) -> None:
    path = tmp_path / "published" / LARGE
    path.rename(path.with_name("pytorch_model.bin"))
    hub.publish(tmp_path / "published")
    assert sorted(download()["files"]) == ["config.json", "pytorch_model.bin"]
    path.with_name("pytorch_model.bin").unlink()
    hub.publish(tmp_path / "published")
    with pytest.raises(InputError, match=r"pytorch_model.bin answers with status 404; lab/tiny: .* wanted"):
        download(cache_dir=tmp_path / "other")


def test_existing_files_are_not_fetched(
    hub: Hub, download: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tiny_molformer.write(tmp_path / "weights" / "lab--tiny")
    assert download()["files"][LARGE]["path"] == str(folder / LARGE)
    assert hub.requests == []


def test_files_of_the_user_stay(download: Any, tmp_path: Path) -> None:
    own = tmp_path / "weights" / "lab--tiny" / "config.json"
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    paths = [Path(entry["path"]) for entry in download()["files"].values()]
    assert own.read_text() == "{}"
    assert {path.parent.name for path in paths} == {REVISION}


def test_without_a_folder_the_hubs_own_cache_is_filled(download: Any, tmp_path: Path) -> None:
    entry = download(cache_dir=None)["files"][LARGE]
    assert Path(entry["path"]).is_relative_to(tmp_path / "own cache")


def test_revisions_are_stored_side_by_side(hub: Hub, download: Any, tmp_path: Path) -> None:
    first = download()["files"][LARGE]
    hub.publish(tiny_molformer.write(tmp_path / "newer", seed=5), revision="f" * 40, commit="f" * 40)
    second = download(revision="f" * 40)["files"][LARGE]
    assert first["sha256"] != second["sha256"]
    assert Path(first["path"]).read_bytes() == published(tmp_path, LARGE)


def test_a_cut_connection_is_resumed(hub: Hub, download: Any, tmp_path: Path) -> None:
    (tmp_path / "published" / LARGE).write_bytes(np.random.default_rng(0).bytes(12_000_000))
    hub.publish(tmp_path / "published")
    path = hub.path(LARGE)
    usual = hub.always[path]
    hub.faults[path] = [usual, usual, Fault(headers=usual.headers, stop_after=11_000_000)]
    entry = download()["files"][LARGE]
    assert Path(entry["path"]).read_bytes() == published(tmp_path, LARGE)
    ranges = [request.headers.get("Range") for request in hub.requests_to(path) if request.method == "GET"]
    assert ranges == [None, f"bytes={10 * 2**20}-"]  # the client writes in blocks of this size


def test_a_busy_server_is_asked_again(hub: Hub, download: Any) -> None:
    hub.faults[hub.path("config.json")] = [Fault(status=503), Fault(status=429)]
    assert download()["files"]


def test_an_incomplete_model_is_completed(hub: Hub, download: Any, tmp_path: Path) -> None:
    download()
    link = next((tmp_path / "weights").rglob(LARGE))
    link.resolve().unlink()
    link.unlink()
    before = len(hub.sent())
    download()
    assert hub.sent()[before:] == [LARGE]


@pytest.mark.parametrize("known", ["published", "hub"])
def test_a_wrong_file_is_deleted_and_fetched_again(
    hub: Hub, download: Any, tmp_path: Path, known: str
) -> None:
    right = sha256(published(tmp_path, LARGE)).hexdigest()
    served = hub.folder / hub.path(LARGE)[1:]
    content = bytearray(served.read_bytes())
    content[-1] ^= 1
    served.write_bytes(content)  # while the server states the hash of the old one
    if known == "published":
        hub.always[hub.path(LARGE)].headers["ETag"] = '"0123"'
    with pytest.raises(
        InputError, match=f"the published file has {right}; it is deleted, run again"
    ) as caught:
        download(digests={LARGE: right} if known == "published" else {})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "lock.json").exists()
    served.write_bytes(published(tmp_path, LARGE))
    assert download(digests={LARGE: right})["files"][LARGE]["sha256"] == right


def test_a_wrong_file_of_a_user_is_not_deleted(download: Any, tmp_path: Path) -> None:
    path = tiny_molformer.write(tmp_path / "weights" / "lab--tiny") / LARGE
    with pytest.raises(InputError, match=rf"the published file has {'0' * 64}; delete {path}$"):
        download(digests={LARGE: "0" * 64})
    assert path.exists()


def test_a_link_whose_target_was_deleted_as_advised_is_fetched_again(
    hub: Hub, download: Any, tmp_path: Path
) -> None:
    right = download()["files"][LARGE]["sha256"]
    next((tmp_path / "weights").rglob(LARGE)).resolve().write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"; delete (\S+)$") as caught:
        download(digests={LARGE: right})
    Path(str(caught.value).rsplit(" ", 1)[1]).unlink()
    assert download(digests={LARGE: right})["files"][LARGE]["sha256"] == right


def test_a_branch_that_has_moved_is_detected_by_the_lock(hub: Hub, download: Any, tmp_path: Path) -> None:
    hub.publish(tmp_path / "published", revision="main")
    download(revision="main")
    hub.publish(tiny_molformer.write(tmp_path / "newer", seed=5), revision="main", commit="f" * 40)
    with pytest.raises(
        InputError, match=r"when main was first seen, by .*; name a commit as revision, or take"
    ):
        download(revision="main", cache_dir=tmp_path / "elsewhere")


OUT = r"wanted in \S+/weights/lab--tiny or in .*; fetch it by `hf download .*`, or name the encoder morgan"


def refused(download: Any) -> str:
    """Return the error for files that cannot be fetched: one line with both remedies."""
    with pytest.raises(InputError) as caught:
        download()
    message = str(caught.value)
    assert "\n" not in message
    assert re.search(OUT, message)
    return message


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "", "has no such model, or it is not public: check its name, or set HF_TOKEN; lab/tiny: "),
        (404, "RepoNotFound", "has no such model, or it is not public"),
        (404, "RevisionNotFound", "has no such revision: check it"),
        (403, "GatedRepo", "wants its terms to be accepted there, and HF_TOKEN to be set"),
        (404, "EntryNotFound", "config.json answers with status 404"),
        (500, "", "config.json answers with status 500"),
    ],
)
def test_a_refusal(hub: Hub, download: Any, status: int, code: str, message: str) -> None:
    hub.refuse("config.json", status, code)
    assert message in refused(download)


def test_offline_mode(hub: Hub, download: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refused(download).startswith(
        "not fetched, because HF_HUB_OFFLINE is set; lab/tiny: config.json, model"
    )
    assert hub.requests == []


def test_no_network(hub: Hub, download: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "https://localhost:1/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    assert "cannot be reached" in refused(download)


def test_an_untrusted_certificate(hub: Hub, download: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    close_session()
    assert "SSL_CERT_FILE can name your own certificate authority; lab/tiny: " in refused(download)


def test_a_host_that_is_not_a_hub(hub: Hub, download: Any) -> None:
    hub.always[hub.path("config.json")] = Fault(status=200, body=b"<html>Log in</html>")
    assert "missing the 'X-Repo-Commit' header" in refused(download)


def test_an_unreachable_storage(download: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("CAS service error\nReqwest error")  # as hf_xet does

    monkeypatch.setattr("perturbkg.encoders._language_models.hub.hf_hub_download", fail)
    assert "does not send it (CAS service error): set HF_HUB_DISABLE_XET=1; lab/tiny: " in refused(download)


def test_a_full_disk_is_reported_before_fetching(
    hub: Hub, download: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=10_000, free=1_000)
    monkeypatch.setattr("perturbkg.sources.disk.shutil.disk_usage", lambda _: usage)
    with pytest.raises(InputError, match=r"lab/tiny: needs .* free; free some, or set encoder_cache.weights"):
        download()
    assert hub.sent() == []


def test_a_disk_that_fills_up(download: Any, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))  # fits the config, not the weights
    try:
        message = refused(download)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith("the disk or quota is full (File too large): free some, or set encoder_cache")
    assert not list((tmp_path / "weights").rglob("*.incomplete"))
    assert download()["files"]


def test_a_folder_that_is_a_file(download: Any, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("")
    assert f"{tmp_path}/weights cannot be used (File exists)" in refused(download)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Import the script of the rule."""
    spec = spec_from_file_location("fetch_weights", ROOT / "scripts" / "fetch_weights.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INPUTS = {"smiles": "CCO", "text": "An inhibitor of kinase", "sequence": "MKV"}


@pytest.mark.parametrize("encoder", sorted(tiny_models.WRITERS))
def test_an_encoder_finds_what_its_script_has_fetched(
    hub: Hub, script: ModuleType, tmp_path: Path, encoder: str
) -> None:
    model, folder = f"lab/{encoder}", tmp_path / "weights"
    hub.publish(tiny_models.WRITERS[encoder](tmp_path / encoder), model=model, revision="main")
    receipt = tmp_path / "receipts" / f"{encoder}.json"
    values = {"encoder": encoder, "model": model, "revision": "main", "lock": tmp_path / "lock.json"}
    script.main(**values, weights=folder, receipt=receipt)
    first = receipt.read_bytes()
    requested = len(hub.requests)
    script.main(**values, weights=folder, receipt=receipt)
    assert receipt.read_bytes() == first
    assert len(hub.requests) == requested
    options = {"model": model, "revision": "main", "device": "cpu"}
    made = plugins.create("encoders", encoder, options, weights_folder=folder)
    vectors = made.encode([INPUTS[made.modality]])
    assert vectors.shape[0] == 1
    assert np.isfinite(vectors).all()
