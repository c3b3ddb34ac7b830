"""Checking addresses: up, moved, gone, refused, another size, unreachable; nothing is downloaded."""

import pytest
from servers import Fault

from perturbkg.sources.check import check
from perturbkg.sources.web import DownloadOptions

OPTIONS = DownloadOptions()


@pytest.fixture
def state(fetching, data):
    """Return a function that checks one source and returns the state of its only address."""

    def call(**changes):
        (only,) = check([fetching.source(**changes)], OPTIONS)
        return only

    return call


def test_up(fetching, state, data):
    answer = state(bytes=len(data))
    assert (answer.name, answer.url) == ("kg", f"{fetching.server.url}/kg.csv")
    assert (answer.state, answer.detail, answer.bytes) == ("up", "", len(data))
    assert [request.method for request in fetching.server.requests] == ["HEAD"]


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_one_byte_is_requested_if_head_is_refused(fetching, state, data, status):
    fetching.server.faults["/kg.csv"] = [Fault(status)]
    answer = state(bytes=len(data))
    assert (answer.state, answer.bytes) == ("up", len(data))
    assert [request.method for request in fetching.server.requests] == ["HEAD", "GET"]
    assert fetching.ranges()[1] == "bytes=0-0"


def test_a_body_sent_anyway_is_not_read(fetching, state, data):
    fetching.server.faults["/kg.csv"] = [Fault(403), Fault(ranges=False, rate=10)]
    assert state().bytes == len(data)


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_reports_the_new_address(fetching, state, status):
    fetching.server.always["/old.csv"] = Fault(status, {"Location": "/kg.csv"})
    answer = state(url=f"{fetching.server.url}/old.csv")
    assert (answer.state, answer.detail) == ("moved", f"to {fetching.server.url}/kg.csv")


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_redirect_is_not_a_move(fetching, state, status):
    fetching.server.always["/old.csv"] = Fault(status, {"Location": "/kg.csv"})
    assert state(url=f"{fetching.server.url}/old.csv").state == "up"


@pytest.mark.parametrize(
    ("fault", "expected", "detail"),
    [
        (Fault(404), "gone", "status 404 Not Found"),
        (Fault(410), "gone", "status 410 Gone"),
        (Fault(headers={"Content-Type": "text/html"}), "gone", "a web page instead of data"),
        (Fault(403), "refused", "status 403 Forbidden"),
        (
            Fault(302, {"Location": "http://localhost/"}),
            "refused",
            "redirects to http, only https is followed",
        ),
        (Fault(503), "unreachable", "status 503 Service Unavailable"),
    ],
)
def test_an_unavailable_file(fetching, state, fault, expected, detail):
    fetching.server.always["/kg.csv"] = fault
    answer = state()
    assert (answer.state, answer.detail) == (expected, detail)


def test_another_size(state, data):
    answer = state(bytes=5)
    assert (answer.state, answer.detail) == ("size differs", f"{len(data)} bytes, 5 by the catalogue")


def test_every_mirror_is_checked_in_order(fetching, data):
    mirrors = (
        f"{fetching.server.url}/none.csv",
        "https://localhost:1/kg.csv",
        f"{fetching.server.url}/kg.csv",
    )
    sources = [fetching.source(mirrors=mirrors), fetching.source(name="other")]
    states = list(check(sources, OPTIONS))
    assert [each.state for each in states] == ["up", "gone", "unreachable", "up", "up"]
    assert [each.url for each in states[1:4]] == list(mirrors)
    assert "Connection refused" in states[2].detail


def test_required_checksum_lists_are_checked_too_each_once(fetching, data):
    lists = {"checksum_url": f"{fetching.server.url}/SHA512SUMS"}
    sources = [
        fetching.source(name="first", **lists),
        fetching.source(name="second", **lists),
        fetching.source(name="stated", checksum=f"md5:{'0' * 32}", checksum_url="https://localhost:1/sums"),
    ]
    states = list(check(sources, OPTIONS))
    assert [each.state for each in states] == ["up", "up", "up", "gone"]
    assert (states[3].name, states[3].url) == ("first", lists["checksum_url"])
