"""A trusted loopback server, a source on it, and a function that fetches it without real waits."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from servers import Server

from perturbkg.sources.catalogue import Publisher, Source
from perturbkg.sources.fetch import fetch
from perturbkg.sources.web import DownloadOptions

PUBLISHER = Publisher(title="Loopback", homepage="https://localhost/", licence="CC0 1.0", citation="none")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve tmp_path/served."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "served").mkdir()
    with Server(tmp_path / "served") as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca))
        yield running


@pytest.fixture
def data(server):
    """Serve kg.csv, 200 kB that hardly compress, and return its bytes."""
    numbers = np.random.default_rng(0).integers(0, 10**9, size=(10_000, 2))
    content = b"x_index,y_index\n" + b"".join(b"%d,%d\n" % (a, b) for a, b in numbers)
    (server.folder / "kg.csv").write_bytes(content)
    return content


@dataclass
class Fetching:
    """Fetch sources into one folder with one lock; `slept` lists the waits that were requested."""

    server: Server
    folder: Path
    lock: Path
    options: DownloadOptions = field(default_factory=lambda: DownloadOptions(retries=3))
    slept: list[float] = field(default_factory=list)

    def source(self, **changes):
        """Return the source `kg` on the server."""
        values = {"name": "kg", "publisher": PUBLISHER, "about": "a table", "version": "1", "file": "kg.csv"}
        return Source(**{**values, "url": f"{self.server.url}/kg.csv", "format": "csv", **changes})

    def __call__(self, source=None, **changes):
        """Fetch."""
        return fetch(
            source or self.source(**changes), self.folder, self.lock, self.options, sleep=self.slept.append
        )

    @property
    def file(self):
        """Return the path of the source's file."""
        return self.folder / "kg/kg.csv"

    @property
    def part(self):
        """Return the path of the partial file during a download."""
        return self.folder / "kg/.kg.csv.part"

    def ranges(self, path="/kg.csv"):
        """Return the Range header of each request."""
        return [request.headers.get("Range") for request in self.server.requests_to(path)]


@pytest.fixture
def fetching(server, tmp_path):
    """Return a function that fetches from the server into tmp_path/downloads."""
    return Fetching(server, tmp_path / "downloads", tmp_path / "sources.lock.json")


@pytest.fixture
def digest():
    """Return a function that computes `<algorithm>:<hexadecimal>`."""
    return lambda algorithm, content: f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
