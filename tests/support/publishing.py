"""Publish raw files on a loopback server as their real publishers do, with a catalogue that points to it."""

import gzip
import hashlib
import shutil
from pathlib import Path

import yaml

PUBLISHER = {
    "title": "A loopback server",
    "homepage": "https://localhost/",
    "licence": "CC0 1.0",
    "terms": None,
    "citation": "tests/support/publishing.py",
}
FORMATS = {".csv": "csv", ".gctx": "gctx", ".parquet": "parquet"}


def publish(files: dict[str, Path], folder: Path, url: str) -> dict:
    """Copy files (name in the catalogue -> path) into the folder of a server; return the catalogue.

    All ways to verify a file occur, as in the real catalogue: a checksum stated by the publisher, a list of
    checksums with packed files (as on GEO), and no checksum, so that only the lock file verifies it.
    """
    sources, sums = {}, []
    for number, (name, path) in enumerate(files.items()):
        entry = {
            "publisher": "loopback",
            "about": f"{name}, published by a test",
            "version": "1",
            "url": f"{url}/{name}/{path.name}",
            "file": path.name.removesuffix(".gz"),
            "format": FORMATS.get(Path(path.name.removesuffix(".gz")).suffix, "tsv"),
            "unpack": "gzip" if path.suffix == ".gz" else None,
        }
        place = folder / name / path.name
        place.parent.mkdir(parents=True)
        if number % 3 == 0 and path.suffix != ".gz":
            place = place.with_name(f"{path.name}.gz")
            place.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1, mtime=0))
            sums.append(f"{hashlib.sha512(place.read_bytes()).hexdigest()}  {place.name}")
            entry |= {"url": f"{entry['url']}.gz", "unpack": "gzip", "checksum_url": f"{url}/SHA512SUMS.txt"}
        else:
            shutil.copyfile(path, place)
            if number % 3 == 1:
                entry |= {
                    "bytes": place.stat().st_size,
                    "checksum": f"md5:{hashlib.md5(place.read_bytes()).hexdigest()}",
                }
        sources[name] = entry
    (folder / "SHA512SUMS.txt").write_text("\n".join(sums) + "\n")
    return {"publishers": {"loopback": PUBLISHER}, "sources": sources}


def write_catalogue(catalogue: dict, path: Path) -> None:
    """Write a catalogue as YAML."""
    path.write_text(yaml.safe_dump(catalogue, sort_keys=False))
