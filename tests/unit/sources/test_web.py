"""Network errors: which are temporary, how long to wait, and how they are reported."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from perturbkg.errors import InputError
from perturbkg.sources.web import AddressError, DownloadOptions, PassingError, _retry_after, brief, persist


def attempts(*outcomes):
    left = list(outcomes)

    def attempt():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return attempt


def test_waits_grow_and_are_bounded():
    slept = []
    faults = [PassingError("busy")] * 8
    assert persist(attempts(*faults, "done"), retries=8, what="x", sleep=slept.append) == "done"
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60]


def test_progress_resets_the_count_of_faults():
    slept = []
    faults = [PassingError("a"), PassingError("b"), PassingError("c", progress=True), PassingError("d")]
    with pytest.raises(AddressError, match=r"^d \(tried 3 times\)$"):
        persist(attempts(*faults, PassingError("d"), 1), retries=2, what="x", sleep=slept.append)
    assert slept == [1, 2, 1, 2]


def test_other_errors_are_not_retried():
    with pytest.raises(AddressError, match=r"^gone$"):
        persist(attempts(AddressError("gone"), 1), retries=5, what="x")
    with pytest.raises(AddressError, match=r"^busy$"):
        persist(attempts(PassingError("busy"), 1), retries=0, what="x")


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("", 0), ("soon", 0), ("-3", 0), ("99999", 300)])
def test_retry_after_as_a_number(value, seconds):
    assert _retry_after(value) == seconds


def test_retry_after_as_a_date():
    now = datetime.now(UTC)
    assert 100 < _retry_after(format_datetime(now + timedelta(seconds=200), usegmt=True)) <= 200
    assert _retry_after(format_datetime(now - timedelta(days=1), usegmt=True)) == 0
    assert _retry_after("Wed, 21 Oct 2015 07:28:00") == 0


def test_the_innermost_reason_is_reported_in_one_line():
    inner = NewConnectionError(None, "Failed to establish a new connection:\n[Errno 111] refused")
    error = requests.exceptions.ConnectionError(MaxRetryError(None, "/x", inner))
    assert brief(error).endswith("Failed to establish a new connection: [Errno 111] refused")
    assert (
        brief(ProtocolError("Connection broken", ConnectionResetError(104, "reset"))) == "[Errno 104] reset"
    )
    assert brief(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    "options",
    [{"retries": -1}, {"timeout_s": 0}, {"minimum_rate": -1}, {"retries": True}, {"timeout_s": "1"}],
)
def test_invalid_options_are_refused(options):
    with pytest.raises(InputError, match=rf"^downloads\.{next(iter(options))}: .* must be a number"):
        DownloadOptions(**options)
