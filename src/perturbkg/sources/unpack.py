"""Extract one file from a download, as a stream to a path that we choose.

Only the named member of an archive is copied, so no member's name decides where anything is written.
"""

import gzip
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from perturbkg.io.packed import DAMAGED as DAMAGED_PACKED
from perturbkg.sources import disk
from perturbkg.sources.catalogue import Source
from perturbkg.sources.content import CHUNK, Content, ContentError, Digester, byte_bar

#: Bytes written between two checks of the free disk.
STRIDE = 64 * 2**20
DAMAGED = (*DAMAGED_PACKED, tarfile.TarError)


def unpack_file(source: Source, packed: Path, target: Path, algorithms: Iterable[str] = ()) -> Content:
    """Write the wanted file to `target` as a stream; ContentError if it is damaged or not in there."""
    digester = Digester(algorithms)
    with (
        target.open("wb") as file,
        _opened(source, packed) as (stream, stated),
        byte_bar(size := stated or source.unpacked_bytes, f"{source.name}: unpacking") as bar,
    ):
        disk.require(target.parent, size or 0, source.name)
        checked = 0
        while chunk := _read(stream):
            # The size of what is in a gzip is unknown until its end, and an archive may lie about it.
            if digester.bytes + len(chunk) > checked:
                disk.require(target.parent, STRIDE, source.name)
                checked = digester.bytes + STRIDE
            file.write(chunk)
            digester.update(chunk)
            bar.update(len(chunk))
    return digester.content


@contextmanager
def _opened(source: Source, packed: Path) -> Iterator[tuple[IO[bytes], int | None]]:
    """Yield the stream of the wanted file, and its size if the archive states it."""
    kind, _, member = (source.unpack or "").partition(":")
    try:
        if kind == "gzip":
            with gzip.open(packed) as stream:
                yield cast(IO[bytes], stream), None
        elif kind == "zip":
            with zipfile.ZipFile(packed) as archive:
                name = _named(member, archive.namelist())
                with archive.open(name) as file:
                    yield file, archive.getinfo(name).file_size
        else:
            with tarfile.open(packed) as archive:
                info = archive.getmember(_named(member, archive.getnames()))
                found = archive.extractfile(info) if info.isreg() else None
                if found is None:
                    raise ContentError(f"holds {member!r} as a link or folder, not as a file")
                with found:
                    yield found, info.size
    except DAMAGED as error:
        raise _damaged(error) from error


def _named(member: str, names: list[str]) -> str:
    for name in (member, f"./{member}"):
        if name in names:
            return name
    known = sorted(names)
    shown = ", ".join(map(ascii, known[:8])) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
    raise ContentError(f"holds no {member!r}; it holds {shown or 'nothing'}")


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except DAMAGED as error:
        raise _damaged(error) from error
    except OSError as error:
        if error.errno is None:  # how bz2 reports damaged data
            raise _damaged(error) from error
        raise


def _damaged(error: Exception) -> ContentError:
    return ContentError(f"is damaged or truncated ({' '.join(str(error).split()) or type(error).__name__})")
