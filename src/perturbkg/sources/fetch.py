"""Fetch one source from its addresses, or take a file put in place by hand; verify, unpack, write a receipt.

    <folder>/<name>/<file>            the file, once it is whole and verified
    <folder>/<name>/.<file>.part      a partial download, to be resumed (.part.json: of which remote file)
    <folder>/<name>/.<file>.receipt   the receipt, kept by the file
    <folder>/<name>.json              a copy of the receipt, which a workflow may delete and ask for again

What a user has put there is never changed or removed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import requests
from filelock import FileLock, Timeout

from perturbkg.errors import InputError
from perturbkg.io.files import written_beside
from perturbkg.sources import disk
from perturbkg.sources.catalogue import Source
from perturbkg.sources.content import Content, ContentError, check_beginning, digest_file
from perturbkg.sources.evidence import Evidence
from perturbkg.sources.receipts import BY_HAND, FIRST_SEEN, LOCKED, Lock, Receipt
from perturbkg.sources.transfer import GUARD, PartialFile, Transfer
from perturbkg.sources.unpack import unpack_file
from perturbkg.sources.web import AddressError, DownloadOptions, PassingError, new_session, persist

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """One source on its way into a folder."""

    source: Source
    folder: Path
    lock: Lock
    options: DownloadOptions
    session: requests.Session
    sleep: Callable[[float], None]

    @property
    def file(self) -> Path:
        return self.source.path(self.folder)

    @property
    def download_file(self) -> Path:
        return self.file.with_name(self.source.download_file)

    @property
    def kept_receipt(self) -> Path:
        return self.file.with_name(f".{self.source.file}.receipt")

    @property
    def part(self) -> PartialFile:
        return PartialFile(self.file.with_name(f".{self.source.download_file}.part"))


def fetch(
    source: Source,
    folder: str | Path,
    lock: str | Path,
    options: DownloadOptions | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Receipt:
    """Download a source into `folder` unless it is there; return its receipt or raise InputError.

    A file that is there is read once and verified again. A second process waits for the first.
    """
    folder = Path(folder)
    place = source.path(folder).parent
    with disk.reported_when_full(folder, source.name), new_session() as session:
        place.mkdir(parents=True, exist_ok=True)
        job = _Job(source, folder, Lock(lock), options or DownloadOptions(), session, sleep)
        # The operating system releases this lock when its holder exits, for whatever reason.
        guard = FileLock(place / GUARD)
        try:
            guard.acquire(timeout=0)
        except Timeout:
            logger.info("%s: waiting for another process that fetches it", source.name)
            guard.acquire()
        try:
            receipt = _settle(job)
            receipt.write(source.receipt(folder))
        finally:
            guard.release()
    return receipt


def _settle(job: _Job) -> Receipt:
    """Use the file that is there, unpack one that was put there, or download it."""
    evidence = Evidence.of_files(job.source, job.lock)
    if job.file.exists():
        receipt = _in_place(job, evidence)
        job.part.discard()
        return receipt
    if job.download_file.exists():
        return _packed_by_hand(job, evidence)
    return _from_addresses(job, evidence.with_list(job.session, job.options, job.sleep))


def _in_place(job: _Job, evidence: Evidence) -> Receipt:
    """Verify the file that is there against every known digest."""
    source, part = job.source, "unpacked" if job.source.packing else "download"
    away = f"move it away to have {source.version} fetched"
    kept = Receipt.read(job.kept_receipt)
    if kept is not None and (kept.name, kept.version) != (source.name, source.version):
        old, kept = kept.version, None
        if not evidence.knows(part):
            raise InputError(f"{job.file}: is of version {old} by its receipt; {away}")
    if kept is None and not evidence.locked:
        evidence = evidence.with_list(job.session, job.options, job.sleep)
    content = digest_file(job.file, evidence.algorithms, title=source.name).content
    try:
        check_beginning(job.file, source.format)
        if kept is not None and kept.content.sha256 != content.sha256:
            raise ContentError(
                f"has sha256 {content.sha256}, {kept.content.sha256} by its receipt: it has changed since"
            )
        receipt = kept or Receipt(
            source.name, source.version, source.file, BY_HAND, "", download=None, unpacked=None
        )
        receipt = replace(receipt, unpacked=content) if source.packing else replace(receipt, download=content)
        for each, its_content in receipt.parts.items():
            evidence.check(each, its_content)
    except ContentError as error:
        raise InputError(f"{job.file}: {error}; {away}") from error
    if kept is None:
        other = None if evidence.knows(part) else job.lock.other_version(source, content.sha256)
        if other is not None:
            raise InputError(f"{job.file}: is version {other} by {job.lock.path}; {away}")
    verdict = evidence.verdict(receipt)
    # A receipt says how the file was first verified.
    if kept is None or verdict not in (LOCKED, FIRST_SEEN):
        receipt = replace(receipt, verified=verdict)
    return _recorded(job, receipt)


def _packed_by_hand(job: _Job, evidence: Evidence) -> Receipt:
    """Verify and unpack a file that a user put there; the user's file is kept."""
    if not evidence.locked:
        evidence = evidence.with_list(job.session, job.options, job.sleep)
    content = digest_file(job.download_file, evidence.algorithms, title=job.source.name).content
    try:
        check_beginning(job.download_file, job.source.packing or job.source.format)
        evidence.check("download", content)
        return _placed(job, evidence, job.download_file, content, BY_HAND)
    except ContentError as error:
        raise InputError(f"{job.download_file}: {error}; move it away to have it fetched") from error


def _from_addresses(job: _Job, evidence: Evidence) -> Receipt:
    """Try the addresses in order; use the first that serves the right bytes."""
    source, reasons = job.source, []
    for url in source.addresses:
        logger.info("%s: fetching %s", source.name, url)
        try:
            return _from_address(job, evidence, url)
        except AddressError as error:
            logger.warning("%s: %s: %s", source.name, url, error)
            reasons.append(f"{url}: {error}")
    raise InputError(
        f"{source.name}: no address serves it: {'; '.join(reasons)}. "
        f"Put it at {job.download_file} by hand, or give a mirror in downloads.catalogue"
    )


def _from_address(job: _Job, evidence: Evidence, url: str) -> Receipt:
    part = job.part
    transfer = Transfer(
        job.session,
        job.source,
        job.options,
        part,
        algorithms=evidence.algorithms,
        known=evidence.knows("download"),
    )

    def attempt() -> Receipt:
        try:
            content = transfer.download(url)
            evidence.check("download", content)
            return _placed(job, evidence, part.path, content, url)
        except ContentError as error:
            resumed = part.resumed
            part.discard()
            if resumed:  # the remote file may have changed between two parts: start again from the beginning
                raise PassingError(f"in pieces, {error}") from error
            raise AddressError(str(error)) from error

    receipt = persist(attempt, retries=job.options.retries, what=f"{job.source.name}: {url}", sleep=job.sleep)
    part.discard()
    return receipt


def _placed(job: _Job, evidence: Evidence, download: Path, content: Content, origin: str) -> Receipt:
    """Move a verified download to its final name, unpacked; its receipt is written first."""
    source = job.source
    receipt = Receipt(source.name, source.version, source.file, origin, "", content, unpacked=None)
    if source.packing is None:
        receipt = _recorded(job, replace(receipt, verified=evidence.verdict(receipt)))
        download.replace(job.file)
        return receipt
    with written_beside(job.file) as temporary:
        unpacked = unpack_file(source, download, temporary, evidence.algorithms)
        try:
            check_beginning(temporary, source.format)
        except ContentError as error:
            raise ContentError(f"unpacked, it {error}") from error
        evidence.check("unpacked", unpacked)
        receipt = replace(receipt, unpacked=unpacked)
        receipt = _recorded(job, replace(receipt, verified=evidence.verdict(receipt)))
    return receipt


def _recorded(job: _Job, receipt: Receipt) -> Receipt:
    """Keep the receipt by the file, and its digests in the lock."""
    job.lock.record(receipt)
    receipt.write(job.kept_receipt)
    return receipt
