"""Check every address of a source without downloading it: available, moved, gone or refused."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from perturbkg.sources.catalogue import Source
from perturbkg.sources.transfer import length_of
from perturbkg.sources.web import (
    AddressError,
    DownloadOptions,
    PassingError,
    check_status,
    is_page,
    new_session,
    opened,
)

THREADS = 4
#: An address in one of these states serves the file.
USABLE = ("up", "moved")


@dataclass(frozen=True)
class AddressState:
    """The answer of an address: up, moved, gone, refused, size differs or unreachable; with the reason."""

    name: str
    url: str
    state: str
    detail: str
    bytes: int | None


def check(sources: Iterable[Source], options: DownloadOptions | None = None) -> Iterator[AddressState]:
    """Yield the state of every address of every source, in their order, and of the lists of checksums."""
    chosen = list(sources)
    asked = [(source.name, url, source.bytes) for source in chosen for url in source.addresses]
    # Without its list of checksums a file is not accepted; several files share one.
    lists = {source.checksum_url: source.name for source in reversed(chosen) if source.checksum is None}
    asked += [(name, url, None) for url, name in reversed(lists.items()) if url is not None]

    def ask(address: tuple[str, str, int | None]) -> AddressState:
        return check_address(*address, options or DownloadOptions())

    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(ask, asked)


def check_address(name: str, url: str, size: int | None, options: DownloadOptions) -> AddressState:
    """Ask one address: HEAD, or one byte where that is refused, as signed addresses of object stores do."""
    moved: list[str] = []

    def ask(method: str, **headers: str) -> int | None:
        moved.clear()
        with opened(
            session, url, timeout_s=options.timeout_s, method=method, headers=headers, moved=moved
        ) as response:
            check_status(response)
            if is_page(response):
                raise AddressError("a web page instead of data")
            return length_of(response)

    with new_session() as session:
        try:
            try:
                found = ask("HEAD")
            except AddressError:
                found = ask("GET", Range="bytes=0-0")
        except AddressError as error:
            reason = str(error)
            gone = reason.startswith(("status 404", "status 410", "a web page"))
            return AddressState(name, url, "gone" if gone else "refused", reason, None)
        except PassingError as error:
            return AddressState(name, url, "unreachable", str(error), None)
    if found is not None and size is not None and found != size:
        detail = f"{found} bytes, {size} by the catalogue"
        return AddressState(name, url, "size differs", detail, found)
    if moved:
        return AddressState(name, url, "moved", f"to {moved[-1]}", found)
    return AddressState(name, url, "up", "", found)
