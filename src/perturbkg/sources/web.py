"""Make https requests: checked redirects, short reasons for failures, retries of temporary faults.

Certificates are verified; REQUESTS_CA_BUNDLE names another authority, HTTPS_PROXY a proxy.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from perturbkg import __version__
from perturbkg.errors import InputError

logger = logging.getLogger(__name__)
T = TypeVar("T")
MAX_REDIRECTS = 10
#: The longest wait between two tries, in seconds: our own, and at a server's request.
LONGEST_WAIT, LONGEST_REQUESTED_WAIT = 60, 300
#: The longest text (a list of checksums) that is read into memory, in bytes.
LONGEST_TEXT = 64 * 2**20
PERMANENT_REDIRECTS = (301, 308)


@dataclass(frozen=True)
class DownloadOptions:
    """How patient downloads are: retries without progress, seconds without data, bytes per second."""

    retries: int = 8  # with growing pauses three minutes in all: enough for a router to restart
    timeout_s: float = 60
    minimum_rate: float = 1000

    def __post_init__(self) -> None:
        """Refuse values that would make a download retry for ever or never."""
        for name, lowest in (("retries", 0), ("timeout_s", 0.1), ("minimum_rate", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= lowest:
                raise InputError(f"downloads.{name}: {value!r} must be a number of at least {lowest}")


class AddressError(Exception):
    """This address cannot serve the file; the next one is tried."""


class PassingError(Exception):
    """A temporary fault; `wait_s`: the pause that the server asked for; `progress` resets the fault count."""

    def __init__(self, reason: str, *, wait_s: float = 0, progress: bool = False) -> None:
        """Keep the reason and what it means for the next try."""
        super().__init__(reason)
        self.wait_s = wait_s
        self.progress = progress


def new_session() -> requests.Session:
    """Return a session with a User-Agent, which some hosts demand, that asks for files uncompressed."""
    session = requests.Session()
    session.headers.update({"User-Agent": f"perturbkg/{__version__}", "Accept-Encoding": "identity"})
    return session


@contextmanager
def opened(
    session: requests.Session,
    url: str,
    *,
    timeout_s: float,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    moved: list[str] | None = None,
) -> Iterator[requests.Response]:
    """Yield the unread answer to a request after its redirects, each of which must lead to https.

    `moved` receives the targets of permanent redirects.
    """
    asked = url
    for _ in range(MAX_REDIRECTS):
        if not url.lower().startswith("https://"):
            raise AddressError(f"redirects to {url.partition(':')[0]}, only https is followed")
        with _request(session, method, url, headers or {}, timeout_s) as response:
            if not response.is_redirect:
                yield response
                return
            target = urljoin(url, response.headers["Location"])
            if moved is not None and response.status_code in PERMANENT_REDIRECTS:
                moved.append(target)
            url = target
    raise AddressError(f"more than {MAX_REDIRECTS} redirects from {asked}")


def _request(
    session: requests.Session, method: str, url: str, headers: Mapping[str, str], timeout_s: float
) -> requests.Response:
    try:
        return session.request(
            method, url, headers=dict(headers), stream=True, allow_redirects=False, timeout=timeout_s
        )
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise AddressError(
                f"its certificate is not trusted ({brief(error)}); REQUESTS_CA_BUNDLE may name its authority"
            ) from error
        raise PassingError(brief(error)) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise PassingError(brief(error)) from error
    except (requests.exceptions.RequestException, HTTPError, ValueError) as error:
        raise AddressError(brief(error)) from error
    except OSError as error:  # how requests reports that REQUESTS_CA_BUNDLE names no file
        raise InputError(f"REQUESTS_CA_BUNDLE: {' '.join(str(error).split())}") from error


def check_status(response: requests.Response) -> None:
    """Raise the error of a status other than success: a temporary fault, or an address without the file."""
    status = response.status_code
    if 200 <= status < 300:
        return
    reason = f"status {status} {response.reason or ''}".strip()
    if status in (408, 425, 429) or (status >= 500 and status not in (501, 505)):
        raise PassingError(reason, wait_s=_retry_after(response.headers.get("Retry-After", "")))
    raise AddressError(reason)


def is_page(response: requests.Response) -> bool:
    """Return whether the content type of the answer is a web page."""
    return response.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))


def persist(
    attempt: Callable[[], T], *, retries: float, what: str, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Return what `attempt` returns; retry after temporary faults, waiting longer each time."""
    faults = 0
    while True:
        try:
            return attempt()
        except PassingError as error:
            faults = 1 if error.progress else faults + 1
            if faults > retries:
                raise AddressError(f"{error} (tried {faults} times)" if faults > 1 else str(error)) from error
            wait = max(error.wait_s, min(2.0 ** (faults - 1), LONGEST_WAIT))
            logger.warning("%s: %s; again in %.0f s", what, error, wait)
            sleep(wait)


def fetch_text(
    session: requests.Session, url: str, options: DownloadOptions, sleep: Callable[[float], None] = time.sleep
) -> bytes:
    """Return a short file, with the same checks as a long one; raise AddressError if that fails."""

    def attempt() -> bytes:
        with opened(session, url, timeout_s=options.timeout_s) as response:
            check_status(response)
            if is_page(response):
                raise AddressError("a web page instead of a list of checksums")
            content = bytearray()
            try:
                # Only a read that finds the end shows whether the body was cut.
                while chunk := response.raw.read1(2**16, decode_content=False):
                    content += chunk
                    if len(content) > LONGEST_TEXT:
                        raise AddressError("too long for a list of checksums")
            except HTTPError as error:
                raise PassingError(brief(error)) from error
        return bytes(content)

    return persist(attempt, retries=options.retries, what=url, sleep=sleep)


def brief(error: BaseException) -> str:
    """Return the innermost reason of a nested network error, without addresses of objects."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (part for part in error.args if isinstance(part, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"^<?HTTPS?Connection(Pool)?\(.*?\)>?: ", "", text)


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 if it asks for none."""
    if value.strip().isdigit():
        return min(float(value), LONGEST_REQUESTED_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0), LONGEST_REQUESTED_WAIT)
