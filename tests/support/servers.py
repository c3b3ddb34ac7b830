"""A loopback https server of a folder: it works, or fails as scripted, and logs its requests."""

import http.server
import io
import re
import socket
import ssl
import sys
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import unquote, urlsplit

import trustme

HOST = "localhost"


@dataclass(frozen=True)
class Fault:
    """The fault of one response; the fields may be combined.

    `status` with `headers` replaces the answer; `body` is sent instead of the file's bytes; `claims` is the
    Content-Length that is sent; after `stop_after` bytes of the body the connection is cut; `rate` is in
    bytes per second; `ranges=False` ignores the client's; `chunked` sends no length.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    claims: int | None = None
    stop_after: int | None = None
    rate: float | None = None
    ranges: bool = True
    chunked: bool = False


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]


class Server:
    """Serve a folder on https://localhost while the context lasts.

    `ca` is the path of the authority that signed its certificate: what REQUESTS_CA_BUNDLE must name.
    `faults` maps a path ("/kg.csv") to the faults of its next answers, each used once; `always` to the one
    of every answer after them.
    """

    def __init__(self, folder: Path) -> None:
        """Make a certificate and prepare the server."""
        self.folder = folder
        self.requests: list[Request] = []
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}
        authority = trustme.CA()
        self._private = tempfile.TemporaryDirectory()
        self.ca = Path(self._private.name) / "authority.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._server.socket = context.wrap_socket(
            # A client with a slow handshake must not block the others.
            self._server.socket,
            server_side=True,
            do_handshake_on_connect=False,
        )
        self.url = f"https://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for slow responses."""
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._private.cleanup()

    def requests_to(self, path: str) -> list[Request]:
        """Return the requests for one path, in their order."""
        return [request for request in self.requests if request.path == path]


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    site: Server

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.closing = threading.Event()

    def shutdown_request(self, request: socket.socket) -> None:
        """Close without a shutdown message to clients that have disconnected."""
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect, as the tests do; any other error is a defect."""
        if not isinstance(sys.exc_info()[1], ConnectionError | ssl.SSLError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    server: _Listener

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Print nothing: `requests` records everything."""

    def _answer(self) -> None:
        site, path = self.server.site, unquote(urlsplit(self.path).path)
        site.requests.append(Request(self.command, path, dict(self.headers.items())))
        faults = site.faults[path]
        fault = faults.pop(0) if faults else site.always.get(path, Fault())
        if fault.status is not None:
            self._send(fault.status, fault.headers, io.BytesIO(fault.body or b""), fault)
            return
        file = site.folder / path.lstrip("/")
        if not file.is_file():
            self._send(404, {}, io.BytesIO(b"no such file"), fault)
            return
        changed = file.stat()
        headers = {
            "Content-Type": "application/octet-stream",
            "ETag": f'"{changed.st_mtime_ns:x}-{changed.st_size:x}"',
            "Last-Modified": formatdate(changed.st_mtime, usegmt=True),
            **({"Accept-Ranges": "bytes"} if fault.ranges else {}),
            **fault.headers,
        }
        with file.open("rb") if fault.body is None else io.BytesIO(fault.body) as body:
            self._send_file(headers, body, fault)

    def _send_file(self, headers: dict[str, str], body: BinaryIO, fault: Fault) -> None:
        """Send the whole file or the requested range."""
        size = body.seek(0, io.SEEK_END)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if fault.ranges else None
        known = self.headers.get("If-Range")
        if wanted is None or (known is not None and known not in (headers["ETag"], headers["Last-Modified"])):
            self._send(200, headers, body, fault)
            return
        start, end = int(wanted[1]), min(int(wanted[2] or size) + 1, size)
        if start >= size:
            self._send(416, {"Content-Range": f"bytes */{size}"}, io.BytesIO(), fault)
            return
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._send(206, headers, body, fault, span=(start, end))

    def _send(
        self,
        status: int,
        headers: dict[str, str],
        body: BinaryIO,
        fault: Fault,
        *,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Send the body, or the bytes of it from the start of `span` up to its end."""
        start, end = span or (0, body.seek(0, io.SEEK_END))
        length = end - start
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length if fault.claims is None else fault.claims))
        self.end_headers()
        if self.command == "HEAD":
            return
        left = length if fault.stop_after is None else min(fault.stop_after, length)
        # Only closing the connection shows that a body is shorter or longer than its header says.
        self.close_connection = left < length or fault.claims is not None
        step = 2**16 if fault.rate is None else max(1, int(fault.rate / 20))
        body.seek(start)
        while left and (piece := body.read(min(step, left))):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if fault.chunked else piece)
            left -= len(piece)
            if fault.rate is not None and self.server.closing.wait(len(piece) / fault.rate):
                break
        if fault.chunked and not self.close_connection:
            self.wfile.write(b"0\r\n\r\n")
