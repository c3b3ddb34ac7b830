"""Find the digest that a file must have, in the catalogue, the publisher's list or the lock file."""

import gzip
import io
import json
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from perturbkg.errors import InputError
from perturbkg.sources.catalogue import DIGITS, Source
from perturbkg.sources.content import Content, ContentError
from perturbkg.sources.receipts import FIRST_SEEN, LOCKED, Lock, Receipt
from perturbkg.sources.web import LONGEST_TEXT, AddressError, DownloadOptions, fetch_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stated:
    """A checksum that the catalogue or the publisher states, and of which part (download or unpacked)."""

    algorithm: str
    digest: str
    origin: str
    part: str = "download"


@dataclass(frozen=True)
class Evidence:
    """Everything that says what the bytes of a source must be."""

    source: Source
    lock: Lock
    stated: Stated | None
    locked: dict[str, str]

    @classmethod
    def of_files(cls, source: Source, lock: Lock) -> Self:
        """Return what is known without the network."""
        stated = None
        if source.checksum is not None:
            algorithm, _, digest = source.checksum.partition(":")
            stated = Stated(algorithm, digest, "catalogue")
        return cls(source, lock, stated, lock.digests(source))

    def with_list(
        self,
        session: requests.Session,
        options: DownloadOptions,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Add the publisher's list of checksums, which is fetched if the catalogue states no checksum.

        Raises InputError if the list cannot be fetched, unless the lock file knows the digest.
        """
        address = self.source.checksum_url
        if self.stated is not None or address is None:
            return self
        try:
            stated = find_checksum(fetch_text(session, address, options, sleep), self.source, address)
        except AddressError as error:
            if self.locked:
                logger.warning("%s: %s: %s; the lock is used alone", self.source.name, address, error)
                return self
            raise InputError(
                f"{self.source.name}: no checksum from {address}: {error}; "
                "give `checksum` or another `checksum_url` for it in downloads.catalogue"
            ) from error
        return type(self)(self.source, self.lock, stated, self.locked)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that digests must be taken with, beside SHA-256."""
        return (self.stated.algorithm,) if self.stated is not None else ()

    def knows(self, part: str) -> bool:
        """Return whether a digest of this part is known."""
        return part in self.locked or (self.stated is not None and self.stated.part == part)

    def check(self, part: str, content: Content) -> None:
        """Raise ContentError, with both digests, unless a part has the length and digests it must have."""
        source, stated = self.source, self.stated
        if part == "download" and source.bytes is not None and content.bytes != source.bytes:
            raise ContentError(f"is {content.bytes} bytes long, {source.bytes} by the catalogue")
        if stated is not None and stated.part == part and stated.algorithm in content.digests:
            found = content.digests[stated.algorithm]
            if found != stated.digest:
                raise ContentError(f"has {stated.algorithm} {found}, {stated.digest} by the {stated.origin}")
        locked = self.locked.get(part)
        if locked is not None and content.sha256 != locked:
            raise ContentError(
                f"has sha256 {content.sha256}, {locked} by {self.lock.path} "
                f"(to accept the new one, remove {source.name} {source.version} there)"
            )

    def verdict(self, receipt: Receipt) -> str:
        """Return in words how a file was verified."""
        parts = receipt.parts
        stated = self.stated
        if stated is not None and stated.part in parts and stated.algorithm in parts[stated.part].digests:
            return stated.origin
        return LOCKED if set(parts) & set(self.locked) else FIRST_SEEN


def find_checksum(text: bytes, source: Source, address: str) -> Stated:
    """Find a source's checksum in a sums file (plain or gzipped) or in the JSON of a Dataverse's native API.

    AddressError if it is not in there.
    """
    if text.startswith(b"\x1f\x8b"):
        try:
            text = gzip.GzipFile(fileobj=io.BytesIO(text)).read(LONGEST_TEXT)
        except (OSError, EOFError, zlib.error) as error:
            raise AddressError(f"damaged gzip ({error})") from error
    origin = f"publisher's list ({address})"
    lines = text.decode("utf-8", errors="replace")
    if lines.lstrip().startswith("{"):
        return _in_dataverse(lines, source, origin)
    return _in_sums(lines, source, origin)


def _in_sums(lines: str, source: Source, origin: str) -> Stated:
    """Read `<hexadecimal>  <path>` lines, as sha512sum writes them; the length determines the algorithm."""
    algorithms = {digits: name for name, digits in DIGITS.items()}
    served = unquote(urlsplit(source.url).path).rpartition("/")[2]
    part_of = {source.file: "unpacked" if source.packing else "download"}
    part_of |= {source.download_file: "download", served: "download"}
    found = set()
    for line in lines.splitlines():
        match = re.fullmatch(r"\\?([0-9a-fA-F]+)\s+\*?(.+?)\s*", line)
        name = match[2].replace("\\", "/").rpartition("/")[2] if match else None
        if match and name in part_of and len(match[1]) in algorithms:
            found.add(Stated(algorithms[len(match[1])], match[1].lower(), origin, part_of[name]))
    chosen = {each for each in found if each.part == "download"} or found
    if len(chosen) != 1:
        names = " or ".join(part_of)
        raise AddressError(f"it names {'no' if not chosen else 'several checksums for'} {names}")
    return chosen.pop()


def _in_dataverse(text: str, source: Source, origin: str) -> Stated:
    """Read api/files/<id> or the file list of a data set.

    https://guides.dataverse.org/en/latest/api/native-api.html. The checksum of a table that Dataverse has
    converted is that of the original (IQSS/dataverse#7275), which is what `?format=original` serves.
    """
    try:
        files = list(_data_files(json.loads(text)))
    except ValueError as error:
        raise AddressError(f"damaged JSON ({error})") from error
    url = urlsplit(source.url)
    number = re.search(r"/datafile/(\d+)", url.path)
    names = (source.download_file, source.file)
    chosen = [file for file in files if number and str(file.get("id")) == number[1]] or [
        file for file in files if file.get("originalFileName", file.get("filename")) in names
    ]
    if len(chosen) != 1:
        raise AddressError(f"it names {len(chosen)} files that are {source.url}")
    (file,) = chosen
    if file.get("originalFileFormat") and parse_qs(url.query).get("format") != ["original"]:
        raise AddressError("its checksum is of the original file; add ?format=original to `url`")
    checksum = file.get("checksum") or {"type": "MD5", "value": file.get("md5")}
    algorithm, digest = str(checksum.get("type")).replace("-", "").lower(), str(checksum.get("value")).lower()
    if not re.fullmatch(r"[0-9a-f]+", digest) or len(digest) != DIGITS.get(algorithm):
        raise AddressError("it states no checksum for the file")
    return Stated(algorithm, digest, origin)


def _data_files(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every `dataFile` object, at whatever depth this version of Dataverse puts them."""
    if isinstance(value, dict):
        if isinstance(value.get("dataFile"), dict):
            yield value["dataFile"]
        for each in value.values():
            yield from _data_files(each)
    elif isinstance(value, list):
        for each in value:
            yield from _data_files(each)
