"""Fetch the files of a model from the Hugging Face hub by its own client, verify them, make their receipt.

They are stored in the layout of the client's cache, several revisions side by side; files that a user has put
into the folder of the weights are not changed. HF_ENDPOINT names another hub, HF_TOKEN authenticates,
SSL_CERT_FILE names another certificate authority, HF_HUB_OFFLINE forbids all requests.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # of the library below the client, which has changed it before
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import HfFileMetadata

from perturbkg.encoders._language_models import weights
from perturbkg.errors import InputError
from perturbkg.sources import disk
from perturbkg.sources.content import digest_file
from perturbkg.sources.receipts import LOCKED, Lock, Receipt

PUBLISHED = "published"
_REMEDY = "free some, or set encoder_cache.weights to another disk"


def fetch(
    model: str,
    revision: str,
    files: Sequence[str | tuple[str, ...]],
    cache_dir: Path | None,
    lock: str | Path,
    *,
    digests: Mapping[str, str] | None = None,
    instead: str,
) -> dict[str, Any]:
    """Return the receipt of a model's files; where one is missing, all are fetched into `cache_dir`.

    Arguments as in `weights.find`; `cache_dir` None is the hub's own cache. The SHA-256 of each file is
    compared with `digests`, with the lock file, which keeps those seen first, and with what the hub states
    for a large file. The receipt has model, revision, and for each file path, bytes, sha256 and how it was
    verified. Raises InputError with the remedies of `weights.find` when a file cannot be fetched.
    """
    look = partial(weights.find, model, revision, files, cache_dir, instead=instead)
    stated: dict[str, str | None] = {}
    try:
        found = look()
    except weights.MissingError as missing:
        try:
            stated = _fetch(model, revision, files, cache_dir)
        except (HTTPError, OSError, RuntimeError) as error:  # RuntimeError: of the Xet storage's client
            raise InputError(f"{_reason(error)}; {missing}") from error
        found = look()
    book = Lock(lock)
    receipts = {
        path: _verified(model, revision, path, digests=digests or {}, stated=stated, lock=book)
        for path in found.values()
    }
    for receipt in receipts.values():
        if receipt.verified == LOCKED:
            book.record(receipt)
    return {
        "model": model,
        "revision": revision,
        "files": {
            receipt.file: {
                "path": str(path),
                "bytes": receipt.content.bytes,
                "sha256": receipt.content.sha256,
                "verified": receipt.verified,
            }
            for path, receipt in receipts.items()
        },
    }


def _fetch(
    model: str, revision: str, files: Sequence[str | tuple[str, ...]], cache_dir: Path | None
) -> dict[str, str | None]:
    """Fetch the files, of a tuple the first that the hub has; return name -> SHA-256, None if not stated."""
    chosen = dict(_asked(model, revision, (file,) if isinstance(file, str) else file) for file in files)
    folder = Path(cache_dir or constants.HF_HUB_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    here = {name for name in chosen if isinstance(try_to_load_from_cache(model, name, folder, revision), str)}
    wanted = sum(head.size or 0 for name, head in chosen.items() if name not in here)
    disk.require(folder, wanted, model, remedy=_REMEDY)
    for name in chosen:
        hf_hub_download(model, name, revision=revision, cache_dir=folder)
    # The tag of a large file is its SHA-256; that of a small one is the hash that Git knows it by.
    tags = {name: head.etag or "" for name, head in chosen.items()}
    return {name: tag if re.fullmatch("[0-9a-f]{64}", tag) else None for name, tag in tags.items()}


def _asked(model: str, revision: str, names: tuple[str, ...]) -> tuple[str, HfFileMetadata]:
    """Ask the hub for the first of some files that it has; return its name, and its size and tag."""
    *others, last = names
    ask = partial(get_hf_file_metadata, retry_on_errors=True)
    for name in others:
        try:
            return name, ask(hf_hub_url(model, name, revision=revision))
        except RemoteEntryNotFoundError:
            continue
    return last, ask(hf_hub_url(model, last, revision=revision))


def _verified(
    model: str,
    revision: str,
    path: Path,
    *,
    digests: Mapping[str, str],
    stated: Mapping[str, str | None],
    lock: Lock,
) -> Receipt:
    """Return the receipt of one file, or raise InputError; a wrong one that was fetched now is deleted."""
    name, content = path.name, digest_file(path).content
    receipt = Receipt(
        name=f"{model}/{name}",
        version=revision,
        file=name,
        origin=hf_hub_url(model, name, revision=revision),
        verified=PUBLISHED if name in digests else LOCKED,
        download=content,
        unpacked=None,
    )
    wrong = f"{path}: its SHA-256 is {content.sha256}, "
    for digest in (digests.get(name), stated.get(name)):
        if digest is None or digest == content.sha256:
            continue
        if name not in stated:
            raise InputError(f"{wrong}the published file has {digest}; delete {path.resolve()}")
        # The path may be a link, and without its target the client fetches it again.
        path.resolve().unlink()
        raise InputError(
            f"{wrong}the published file has {digest}; it is deleted, run again, and if it stays wrong, "
            f"ask whether {constants.ENDPOINT} is the hub that you mean"
        )
    locked = lock.digests(receipt).get("download")
    if locked not in (None, content.sha256):
        raise InputError(
            f"{wrong}{locked} when {revision} was first seen, by {lock.path}; name a commit as revision, or "
            f"take {receipt.name} out of the lock file if the change is right"
        )
    return receipt


def _reason(error: Exception) -> str:
    """Return one line that says why the hub's client did not fetch a file."""
    hub = constants.ENDPOINT
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    match error:
        case OfflineModeIsEnabled():
            reason = "not fetched, because HF_HUB_OFFLINE is set"
        case GatedRepoError():
            reason = f"{hub} wants its terms to be accepted there, and HF_TOKEN to be set"
        case RepositoryNotFoundError():
            reason = f"{hub} has no such model, or it is not public: check its name, or set HF_TOKEN"
        case RevisionNotFoundError():
            reason = f"{hub} has no such revision: check it"
        case HfHubHTTPError():
            reason = f"{error.response.url} answers with status {error.response.status_code}"
        case OSError(errno=int(number)) if number in disk.FULL:
            reason = f"the disk or quota is full ({error.strerror}): {_REMEDY}"
        case OSError(errno=int()):
            reason = f"{error.filename} cannot be used ({error.strerror})"
        case RuntimeError():
            reason = f"{hub} keeps it in a storage that does not send it ({line}): set HF_HUB_DISABLE_XET=1"
        case _ if "CERTIFICATE" in line:
            reason = f"{hub} is not trusted ({line}): SSL_CERT_FILE can name your own certificate authority"
        case _:
            reason = f"{hub} cannot be reached, or does not send the file whole ({line})"
    return reason
