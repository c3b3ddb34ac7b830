"""Checksums from publishers: sums files as GEO has them, Dataverse's API, and what happens when they fail."""

import gzip
import hashlib
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Fault

from perturbkg.errors import InputError
from perturbkg.sources.catalogue import Publisher, Source
from perturbkg.sources.evidence import find_checksum
from perturbkg.sources.web import AddressError

SUMS = "/suppl/SHA512SUMS.txt.gz"
SOURCE = Source(
    name="kg",
    publisher=Publisher(title="T", homepage="H", licence="L", citation="C"),
    about="a table",
    version="1",
    url="https://localhost/kg.csv",
    file="kg.csv",
    format="csv",
)


@pytest.fixture
def published(fetching, data):
    """Serve a list of checksums; return a function that fetches the source it verifies."""

    def call(text, path=SUMS, **changes):
        file = fetching.server.folder / path.lstrip("/")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gzip.compress(text.encode(), mtime=0) if path.endswith(".gz") else text.encode())
        return fetching(checksum_url=f"{fetching.server.url}{path}", **changes)

    return call


def line(content, name):
    return f"{hashlib.sha512(content).hexdigest()} {name}\n"


@pytest.mark.parametrize("path", [SUMS, "/SHA512SUMS"])
@pytest.mark.parametrize("name", [" kg.csv", " ./kg.csv", " suppl/kg.csv", "*kg.csv"])
def test_a_sums_file(fetching, published, data, path, name):
    receipt = published(line(b"", " other.csv") + line(data, name), path)
    assert receipt.verified == f"publisher's list ({fetching.server.url}{path})"
    assert set(receipt.download.digests) == {"sha256", "sha512"}


def test_a_list_that_names_the_unpacked_file(fetching, published, data):
    (fetching.server.folder / "x.csv.gz").write_bytes(gzip.compress(data, mtime=0))
    url = f"{fetching.server.url}/x.csv.gz"
    assert published(line(data, "kg.csv"), url=url, unpack="gzip").verified.startswith("publisher's list")
    shutil.rmtree(fetching.folder)
    fetching.lock.unlink()
    with pytest.raises(InputError, match=r"has sha512 .* by the publisher's list"):
        published(line(b"", "kg.csv"), url=url, unpack="gzip")


def test_a_wrong_sum_and_a_list_without_the_file(published, data):
    with pytest.raises(InputError, match=r"has sha512 .*, .* by the publisher's list \(https://"):
        published(line(b"", "kg.csv"))
    with pytest.raises(InputError, match=r"^kg: no checksum from .*: it names no kg\.csv; give `checksum`"):
        published(line(data, "other.csv"))
    with pytest.raises(InputError, match=r"it names several checksums for kg\.csv"):
        published(line(data, "a/kg.csv") + line(b"", "b/kg.csv"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(404), "status 404 Not Found"),
        (Fault(503), r"status 503 Service Unavailable \(tried 4 times\)"),
        (Fault(302, {"Location": "http://localhost/"}), "redirects to http"),
        (Fault(headers={"Content-Type": "text/html"}), "a web page instead of a list"),
        (Fault(body=b"<html></html>"), r"it names no kg\.csv"),
        (Fault(body=b"\x1f\x8b damaged"), "damaged gzip"),
        (Fault(body=b'{"data": '), "damaged JSON"),
        (Fault(claims=10**4), r"tried 4 times"),
    ],
)
def test_an_unavailable_list_is_an_error_unless_the_lock_knows_the_file(
    fetching, published, data, fault, reason
):
    fetching.server.always[SUMS] = fault
    with pytest.raises(InputError, match=f"^kg: no checksum from .*{reason}"):
        published(line(data, "kg.csv"))
    assert not fetching.file.exists()
    fetching.server.always.clear()
    published(line(data, "kg.csv"))
    shutil.rmtree(fetching.folder)
    fetching.server.always[SUMS] = fault
    assert published(line(data, "kg.csv")).verified == "lock"


def test_the_list_is_not_requested_if_the_catalogue_states_a_checksum(fetching, data, digest):
    receipt = fetching(checksum=digest("md5", data), checksum_url=f"{fetching.server.url}/none")
    assert receipt.verified == "catalogue"
    assert [request.path for request in fetching.server.requests] == ["/kg.csv"]


def test_a_manually_placed_file_is_checked_against_the_list(fetching, published, data):
    fetching.file.parent.mkdir(parents=True)
    fetching.file.write_bytes(data)
    assert published(line(data, "kg.csv")).verified.startswith("publisher's list")
    fetching.server.requests.clear()
    published(line(data, "kg.csv"))  # its receipt and the lock know it now
    assert fetching.server.requests == []


# Dataverse: https://guides.dataverse.org/en/latest/api/native-api.html


def data_file(number, name, content, **more):
    md5 = hashlib.md5(content).hexdigest()
    file = {"id": number, "filename": name, "md5": md5, "checksum": {"type": "MD5", "value": md5}, **more}
    return {"label": name, "dataFile": file}


def served(fetching, data, number=6180620):
    (fetching.server.folder / "api/access/datafile").mkdir(parents=True)
    (fetching.server.folder / f"api/access/datafile/{number}").write_bytes(data)
    return f"{fetching.server.url}/api/access/datafile/{number}"


def test_dataverse_knows_the_file_by_its_number(fetching, published, data):
    files = [data_file(1, "kg.csv", b""), data_file(6180620, "kg.tab", data)]
    answer = {"status": "OK", "data": {"latestVersion": {"files": files}}}
    url = served(fetching, data)
    receipt = published(json.dumps(answer), "/api/datasets/:persistentId", url=url)
    assert "md5" in receipt.download.digests
    assert receipt.verified.startswith("publisher's list")


def test_one_file_of_dataverse_with_an_older_layout_or_a_stronger_checksum(fetching, published, data):
    url = served(fetching, data)
    file = data_file(6180620, "kg.csv", data)
    del file["dataFile"]["checksum"]
    published(json.dumps({"status": "OK", "data": file}), "/api/files", url=url)
    shutil.rmtree(fetching.folder)
    file["dataFile"]["checksum"] = {"type": "SHA-512", "value": hashlib.sha512(data).hexdigest()}
    receipt = published(json.dumps({"status": "OK", "data": file}), "/api/files", url=url)
    assert "sha512" in receipt.download.digests


def test_a_table_that_dataverse_converts_must_be_requested_in_its_original_form(fetching, published, data):
    url = served(fetching, data)
    file = data_file(6180620, "kg.tab", data, originalFileFormat="text/csv", originalFileName="kg.csv")
    answer = json.dumps({"data": file})
    with pytest.raises(
        InputError, match=r"its checksum is of the original file; add \?format=original to `url`"
    ):
        published(answer, "/api/files", url=url)
    assert published(answer, "/api/files", url=f"{url}?format=original").verified.startswith("publisher's")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"data": []}, "it names 0 files that are https://"),
        ({"data": {"dataFile": {"id": 6180620}}}, "it states no checksum for the file"),
        ({"data": {"dataFile": {"id": 6180620, "checksum": {"type": "UNF", "value": "00"}}}}, "it states no"),
    ],
)
def test_incomplete_answers_of_dataverse(fetching, published, data, answer, reason):
    with pytest.raises(InputError, match=reason):
        published(json.dumps(answer), "/api/files", url=served(fetching, data))


@given(
    text=st.binary(max_size=300)
    | st.text(alphabet='{}[]":, dataFilechksum0123456789abc\n', max_size=200).map(str.encode)
)
def test_every_answer_gives_a_checksum_or_one_line(text):
    try:
        find_checksum(text, SOURCE, "https://localhost/sums")
    except AddressError as error:
        assert "\n" not in str(error)
