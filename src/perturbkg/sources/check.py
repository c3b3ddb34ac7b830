"""Ask every address of a source for its head, without downloading: what is up, moved or gone."""

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
#: An address in one of these states gives the file.
USABLE = ("up", "moved")


@dataclass(frozen=True)
class AddressState:
    """What an address answers: up, moved, gone, refused, size differs or unreachable; why or where to."""

    name: str
    url: str
    state: str
    detail: str
    bytes: int | None


def check(sources: Iterable[Source], options: DownloadOptions | None = None) -> Iterator[AddressState]:
    """Yield the state of every address of every source, in their order."""
    asked = [(source, url) for source in sources for url in source.addresses]
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(lambda pair: check_address(pair[0], pair[1], options or DownloadOptions()), asked)


def check_address(source: Source, url: str, options: DownloadOptions) -> AddressState:
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
                size = ask("HEAD")
            except AddressError:
                size = ask("GET", Range="bytes=0-0")
        except AddressError as error:
            reason = str(error)
            gone = reason.startswith(("status 404", "status 410", "a web page"))
            return AddressState(source.name, url, "gone" if gone else "refused", reason, None)
        except PassingError as error:
            return AddressState(source.name, url, "unreachable", str(error), None)
    if size is not None and source.bytes is not None and size != source.bytes:
        detail = f"{size} bytes, {source.bytes} by the catalogue"
        return AddressState(source.name, url, "size differs", detail, size)
    if moved:
        return AddressState(source.name, url, "moved", f"to {moved[-1]}", size)
    return AddressState(source.name, url, "up", "", size)
