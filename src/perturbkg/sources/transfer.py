"""Download one address into a partial file, which survives broken connections and a killed process."""

import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock, Timeout
from urllib3.exceptions import HTTPError, IncompleteRead

from perturbkg.io.files import read_json, write_json
from perturbkg.sources import disk
from perturbkg.sources.catalogue import Source, human_size
from perturbkg.sources.content import (
    HEAD,
    Content,
    ContentError,
    Digester,
    byte_bar,
    check_beginning,
    digest_file,
)
from perturbkg.sources.web import (
    AddressError,
    DownloadOptions,
    PassingError,
    brief,
    check_status,
    is_page,
    opened,
)

logger = logging.getLogger(__name__)
CHUNK = 2**18
#: The file in a source's folder that is locked while a process fetches it.
GUARD = ".guard"


class PartialFile:
    """An unfinished download: the bytes so far, and a state file that says which remote file they belong to.

    The state file is written before the first byte, so that a kill at any moment can be resumed from.
    """

    def __init__(self, path: Path) -> None:
        """Continue from what an earlier process left."""
        self.path = path
        self.state_path = path.with_name(f"{path.name}.json")
        self.resumed = False
        self.furthest = self.size
        self._digester: Digester | None = None

    @property
    def size(self) -> int:
        """Return how many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def state(self) -> dict[str, Any]:
        """The address, validator and length of the remote file; empty if unknown."""
        try:
            state = read_json(self.state_path)
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    @property
    def complete(self) -> bool:
        """Return whether every byte is here."""
        return self.size > 0 and self.state.get("bytes") == self.size

    def begin(self, state: dict[str, Any]) -> None:
        """Discard all bytes; the next ones belong to this remote file."""
        self.discard()
        write_json(state, self.state_path)

    def discard(self) -> None:
        """Discard all bytes."""
        self.path.unlink(missing_ok=True)
        self.state_path.unlink(missing_ok=True)
        self.resumed, self._digester = False, None

    def digester(self, algorithms: Iterable[str], title: str) -> Digester:
        """Return the digester of the bytes so far, which are read again only if it did not see them."""
        wanted = {"sha256", *algorithms}
        known = self._digester
        if known is None or known.bytes != self.size or set(known.content.digests) != wanted:
            known = digest_file(self.path, wanted, title=title) if self.size else Digester(wanted)
        self._digester = known
        return known


def bytes_to_come(part: PartialFile) -> int:
    """Return how many bytes the other downloads into the same folder will still write, as far as is known."""
    left = 0
    for guard in part.path.parent.parent.glob(f"*/{GUARD}"):
        if guard.parent == part.path.parent or not _is_held(guard):
            continue  # no process is fetching it now
        for path in guard.parent.glob(".*.part"):
            other = PartialFile(path)
            left += max((other.state.get("bytes") or 0) - other.size, 0)
    return left


def _is_held(guard: Path) -> bool:
    try:
        with FileLock(guard, timeout=0):
            return False
    except Timeout:
        return True


@dataclass(frozen=True)
class Transfer:
    """What is needed to download a source from its addresses.

    `known`: a digest of the whole is known, so bytes of one address may be continued from another.
    """

    session: requests.Session
    source: Source
    options: DownloadOptions
    part: PartialFile
    algorithms: Iterable[str]
    known: bool

    def download(self, url: str) -> Content:
        """Download what is missing from `url`; return the content of the partial file once it is complete.

        PassingError keeps what has arrived; ContentError means that the bytes are not those of the file.
        """
        part = self.part
        state = part.state
        if part.complete and (state.get("url") == url or self.known):
            return self._whole()
        validator = state.get("validator") if state.get("url") == url else None
        if not state or not (validator or self.known):
            part.discard()
        # Read what an earlier process downloaded before asking the server, which would not wait for that.
        part.digester(self.algorithms, self.source.name)
        headers = {"Range": f"bytes={part.size}-"} if part.size else {}
        if part.size and validator:
            headers["If-Range"] = validator
        with opened(self.session, url, timeout_s=self.options.timeout_s, headers=headers) as response:
            if response.status_code == 416 and part.size:
                if _range(response)[1] == part.size:
                    return self._whole()
                part.discard()
                raise PassingError("has fewer bytes than have arrived: starting again")
            check_status(response)
            if is_page(response):
                raise AddressError("a web page instead of data")
            if response.status_code == 206:
                total = self._resume(response)
            else:
                total = length_of(response)
                part.begin({"url": url, "validator": _validator(response), "bytes": total})
            if total is not None:
                if self.source.bytes not in (None, total):
                    part.discard()
                    raise AddressError(f"is {total} bytes long, {self.source.bytes} by the catalogue")
                needed = total - part.size + (self.source.unpacked_bytes or 0) + bytes_to_come(part)
                disk.require(part.path.parent, needed, self.source.name)
            return self._receive(response, total)

    def _whole(self) -> Content:
        """Return the content of a download that an earlier process completed."""
        self.part.resumed = True
        return self.part.digester(self.algorithms, self.source.name).content

    def _resume(self, response: requests.Response) -> int | None:
        """Check that the part which is sent continues what is here; return the length of the whole."""
        part = self.part
        start, total = _range(response)
        expected = part.state.get("bytes")
        if start != part.size or part.size == 0 or (expected or total) != total:
            part.discard()
            raise PassingError("sends another part than was asked for: starting again")
        part.resumed = True
        logger.info("%s: resumed at %s", self.source.name, human_size(part.size))
        return total

    def _receive(self, response: requests.Response, total: int | None) -> Content:
        """Append the body to the partial file."""
        source, part, options = self.source, self.part, self.options
        kind = source.packing or source.format
        digester = part.digester(self.algorithms, source.name)
        start = digester.bytes
        looked = start >= HEAD

        def passing(reason: str) -> PassingError:
            of = f" of {total}" if total is not None else ""
            # Progress means at least 1 % further than before, so that a server which always cuts is given up.
            progress = total is not None and (digester.bytes - part.furthest) * 100 >= total
            part.furthest = max(part.furthest, digester.bytes)
            return PassingError(f"{reason} after {digester.bytes}{of} bytes", progress=progress)

        with part.path.open("ab") as file, byte_bar(total, source.name, start) as bar:
            since, before = time.monotonic(), digester.bytes
            while chunk := _read(response, passing):
                file.write(chunk)
                digester.update(chunk)
                bar.update(len(chunk))
                if not looked and digester.bytes >= HEAD:
                    file.flush()
                    check_beginning(part.path, kind)
                    looked = True
                seconds = time.monotonic() - since
                if seconds >= options.timeout_s:
                    rate = (digester.bytes - before) / seconds
                    if rate < options.minimum_rate:
                        raise passing(f"stalled at {rate:.0f} bytes/s")
                    logger.info("%s: %s, %s/s", source.name, human_size(digester.bytes), human_size(rate))
                    since, before = time.monotonic(), digester.bytes
        if total is not None and digester.bytes < total:
            raise passing("cut")
        if total is not None and digester.bytes > total:
            raise ContentError(f"is {digester.bytes} bytes long, its own header says {total}")
        check_beginning(part.path, kind)
        return digester.content


def _read(response: requests.Response, passing: Callable[[str], PassingError]) -> bytes:
    """Return the next bytes that have arrived, without waiting for a full chunk."""
    try:
        chunk: bytes = response.raw.read1(CHUNK, decode_content=False)
    except HTTPError as error:
        short = any(isinstance(each, IncompleteRead) for each in (error, *error.args))
        raise passing("cut" if short else f"cut ({brief(error)})") from error
    return chunk


def _validator(response: requests.Response) -> str | None:
    """Return what If-Range may hold (RFC 9110, 13.1.5): a strong ETag, else the time of the last change."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    changed: str | None = response.headers.get("Last-Modified")
    return changed


def length_of(response: requests.Response) -> int | None:
    """Return the length of the whole file according to an answer, None if it does not say."""
    if response.status_code == 206:
        return _range(response)[1]
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return the start and the total of a Content-Range."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if match is None:
        return None, None
    return int(match[1]) if match[1] else None, int(match[2]) if match[2].isdigit() else None
