"""Fetching against a server that behaves badly: every fault ends in the right bytes or in one clear line."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Fault

from perturbkg.errors import InputError
from perturbkg.io.files import read_json, sha256
from perturbkg.sources import disk, transfer
from perturbkg.sources.catalogue import human_size
from perturbkg.sources.receipts import Receipt
from perturbkg.sources.web import DownloadOptions

#: Fetch one source in a separate process: address, folder, lock.
PROGRAM = """
import resource, sys
from perturbkg.errors import InputError
from perturbkg.sources.catalogue import Publisher, Source
from perturbkg.sources.fetch import fetch
url, folder, lock, limit = sys.argv[1:]
publisher = Publisher(title="Loopback", homepage="https://localhost/", licence="CC0 1.0", citation="none")
source = Source(
    name="kg", publisher=publisher, about="a table", version="1", file="kg.csv", url=url, format="csv"
)
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    print(fetch(source, folder, lock).verified)
except InputError as error:
    sys.exit(f"error: {error}")
"""


def start(fetching, limit=0):
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-c", PROGRAM),
            *(f"{fetching.server.url}/kg.csv", str(fetching.folder), str(fetching.lock), str(limit)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def wait_for(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def failure(fetching, **changes):
    """Return the line that fetching fails with, after checking that no file looks complete."""
    with pytest.raises(InputError) as caught:
        fetching(**changes)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("kg: ")
    assert not fetching.file.exists()
    assert not fetching.source().receipt(fetching.folder).exists()
    return message


def test_a_file_arrives_with_its_receipt_and_is_requested_once(fetching, data):
    receipt = fetching()
    assert fetching.file.read_bytes() == data
    assert receipt.origin == f"{fetching.server.url}/kg.csv"
    assert (receipt.verified, receipt.unpacked) == ("first seen", None)
    assert receipt.content.bytes == len(data)
    assert receipt.content.sha256 == sha256(fetching.file)
    path = fetching.source().receipt(fetching.folder)
    assert Receipt.read(path) == receipt
    first = path.read_bytes()
    path.unlink()  # as a workflow does before it runs a rule again
    assert fetching() == receipt
    assert path.read_bytes() == first
    assert len(fetching.server.requests) == 1
    assert {each.name for each in fetching.file.parent.iterdir()} == {"kg.csv", ".guard", ".kg.csv.receipt"}


def test_the_client_identifies_itself(fetching, data):
    fetching()
    assert fetching.server.requests[0].headers["User-Agent"].startswith("perturbkg/")


def test_a_cut_at_half_is_resumed_where_it_was(fetching, data):
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=len(data) // 2)]
    fetching()
    assert fetching.file.read_bytes() == data
    assert fetching.ranges() == [None, f"bytes={len(data) // 2}-"]
    assert fetching.server.requests[1].headers["If-Range"].startswith('"')
    assert fetching.slept == [1]


def test_a_body_that_is_always_truncated_is_given_up_and_kept_for_a_later_try(fetching, data):
    fetching.server.always["/kg.csv"] = Fault(stop_after=1000)
    message = failure(fetching)
    assert f"{fetching.server.url}/kg.csv: cut after 4000 of {len(data)} bytes (tried 4 times)" in message
    assert f"Put it at {fetching.file} by hand, or give a mirror in downloads.catalogue" in message
    assert fetching.slept == [1, 2, 4]
    fetching.server.always.clear()
    fetching()
    assert fetching.ranges()[-1] == "bytes=4000-"
    assert fetching.file.read_bytes() == data


def test_cuts_with_progress_between_them_do_not_exhaust_the_retries(fetching, data):
    fetching.server.always["/kg.csv"] = Fault(stop_after=len(data) // 20)
    fetching()
    assert fetching.file.read_bytes() == data
    assert set(fetching.slept) == {1}


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 210_000), max_size=3), ranges=st.booleans(), chunked=st.booleans())
def test_the_bytes_are_those_of_the_server_after_any_cuts(fetching, data, cuts, ranges, chunked):
    shutil.rmtree(fetching.folder, ignore_errors=True)
    fetching.server.faults["/kg.csv"] = [
        Fault(stop_after=cut, ranges=ranges, chunked=chunked) for cut in cuts
    ]
    fetching()
    assert fetching.file.read_bytes() == data


def test_a_server_without_ranges_is_asked_from_the_start_again(fetching, data):
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000), Fault(ranges=False)]
    fetching()
    assert fetching.file.read_bytes() == data


@pytest.mark.parametrize("validators", ["both", "none"])
def test_a_remote_file_that_changes_between_pieces_is_fetched_from_the_start(
    fetching, data, validators, digest
):
    headers = {} if validators == "both" else {"ETag": "", "Last-Modified": ""}
    new = data[::-1].replace(b"\n", b"", 1).replace(b",", b"9,", 1) + b"\n"
    new = b"x_index,y_index\n" + new
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000, headers=headers)] + [
        Fault(headers=headers) for _ in range(5)
    ]
    before = fetching.slept.append

    def change(seconds):
        (fetching.server.folder / "kg.csv").write_bytes(new)
        before(seconds)

    fetching.slept = type("Slept", (list,), {"append": lambda self, seconds: change(seconds)})()
    # Without validators a download is only resumed if a digest can verify the result.
    checksum = digest("sha256", new) if validators == "none" else None
    fetching(checksum=checksum)
    assert fetching.file.read_bytes() == new


def test_without_validator_and_digest_nothing_is_resumed(fetching, data):
    plain = {"ETag": 'W/"weak"', "Last-Modified": ""}
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000, headers=plain), Fault(headers=plain)]
    fetching()
    assert fetching.ranges() == [None, None]
    assert fetching.file.read_bytes() == data


def test_a_complete_partial_file_is_recognised(fetching, data):
    fetching.part.parent.mkdir(parents=True)
    fetching.part.write_bytes(data)
    state = fetching.part.with_name(".kg.csv.part.json")
    stat = (fetching.server.folder / "kg.csv").stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    state.write_text(json.dumps({"url": fetching.source().url, "validator": etag, "bytes": None}))
    fetching()
    assert fetching.ranges() == [f"bytes={len(data)}-"]
    assert fetching.file.read_bytes() == data


@pytest.mark.parametrize("state", ["", "[]", "{}", "{", '{"url": 3}'])
def test_a_partial_file_of_unknown_origin_is_not_resumed(fetching, data, state):
    fetching.part.parent.mkdir(parents=True)
    fetching.part.write_bytes(b"x" * 1000)
    fetching.part.with_name(".kg.csv.part.json").write_text(state)
    fetching()
    assert fetching.ranges() == [None]
    assert fetching.file.read_bytes() == data


def test_a_partial_file_longer_than_the_remote_file_is_discarded(fetching, data, digest):
    fetching.part.parent.mkdir(parents=True)
    fetching.part.write_bytes(data + b"1,2\n")
    state = {"url": fetching.source().url, "validator": None, "bytes": None}
    fetching.part.with_name(".kg.csv.part.json").write_text(json.dumps(state))
    fetching(checksum=digest("md5", data))
    assert fetching.ranges() == [f"bytes={len(data) + 4}-", None]
    assert fetching.file.read_bytes() == data


def test_a_range_that_was_not_requested_is_refused(fetching, data):
    headers = {"Content-Range": f"bytes 5-99/{len(data)}"}
    fetching.server.always["/kg.csv"] = Fault(status=206, headers=headers, body=b"1" * 95)
    assert "sends another part than was asked for" in failure(fetching)
    fetching.server.always.clear()
    fetching.server.faults["/kg.csv"] = [
        Fault(stop_after=90_000),
        Fault(status=206, headers=headers, body=b"1" * 95),
    ]
    fetching()
    assert fetching.file.read_bytes() == data


def test_wrong_length(fetching, data):
    message = failure(fetching, bytes=len(data) + 1)
    assert f"is {len(data)} bytes long, {len(data) + 1} by the catalogue" in message
    assert not fetching.part.exists()
    fetching.server.always["/kg.csv"] = Fault(chunked=True, body=data[:-5])
    message = failure(fetching, bytes=len(data))
    assert f"is {len(data) - 5} bytes long, {len(data)} by the catalogue" in message


def test_a_body_shorter_than_its_header_states(fetching, data):
    fetching.server.always["/kg.csv"] = Fault(claims=len(data) + 10, ranges=False)
    assert f"cut after {len(data)} of {len(data) + 10} bytes" in failure(fetching)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_the_checksum_of_the_catalogue(fetching, data, digest, algorithm):
    receipt = fetching(checksum=digest(algorithm, data))
    assert receipt.verified == "catalogue"
    assert f"{algorithm}:{receipt.download.digests[algorithm]}" == digest(algorithm, data)
    assert set(receipt.download.digests) == {algorithm, "sha256"}


def test_a_wrong_checksum_shows_both_and_leaves_nothing(fetching, data, digest):
    wrong, right = digest("md5", b"other"), digest("md5", data)
    message = failure(fetching, checksum=wrong)
    assert f"has md5 {right.removeprefix('md5:')}, {wrong.removeprefix('md5:')} by the catalogue" in message
    assert not fetching.part.exists()
    assert not fetching.lock.exists()


def test_a_wrong_checksum_switches_to_the_mirror(fetching, data, digest):
    (fetching.server.folder / "mirror.csv").write_bytes(data)
    fetching.server.always["/kg.csv"] = Fault(body=data[:-2] + b"x\n")
    mirror = f"{fetching.server.url}/mirror.csv"
    receipt = fetching(checksum=digest("sha512", data), mirrors=(mirror,))
    assert receipt.origin == mirror
    assert fetching.file.read_bytes() == data


def test_a_download_is_resumed_from_a_mirror_if_a_digest_is_known(fetching, data, digest):
    (fetching.server.folder / "mirror.csv").write_bytes(data)
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000), Fault(404)]
    fetching(checksum=digest("md5", data), mirrors=(f"{fetching.server.url}/mirror.csv",))
    assert fetching.ranges("/mirror.csv") == ["bytes=90000-"]
    assert fetching.file.read_bytes() == data


PAGE = b"\n <!DOCTYPE html><html><body>Please accept our cookies, and, then, download</body></html>"


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_not_data(fetching, data, content_type):
    fetching.server.always["/kg.csv"] = Fault(body=PAGE, headers={"Content-Type": content_type})
    assert "web page" in failure(fetching)
    assert not fetching.part.exists()
    assert len(fetching.server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_an_address_without_the_file_switches_to_the_mirror_at_once(fetching, data, status):
    fetching.server.always["/old.csv"] = Fault(status)
    url = f"{fetching.server.url}/old.csv"
    receipt = fetching(url=url, mirrors=(f"{fetching.server.url}/kg.csv",))
    assert receipt.origin.endswith("/kg.csv")
    assert fetching.slept == []


def test_every_address_is_named_with_its_reason(fetching, data):
    fetching.server.always = {"/a.csv": Fault(404), "/b.csv": Fault(503), "/c.csv": Fault(body=PAGE)}
    (fetching.server.folder / "c.csv").write_bytes(data)
    a, b, c = (f"{fetching.server.url}/{name}.csv" for name in "abc")
    message = failure(fetching, url=a, mirrors=(b, c, "https://localhost:1/kg.csv"))
    assert (
        f"{a}: status 404 Not Found; {b}: status 503 Service Unavailable (tried 4 times); {c}: is a"
        in message
    )
    assert re.search(
        r"https://localhost:1/kg.csv: .*Connection refused.* \(tried 4 times\)\. Put it", message
    )


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_temporary_statuses_are_retried(fetching, data, status):
    fetching.server.faults["/kg.csv"] = [Fault(status), Fault(status, {"Retry-After": "7"}), Fault(status)]
    fetching()
    assert fetching.slept == [1, 7, 4]
    assert fetching.file.read_bytes() == data


def test_a_trickle_is_a_stall(fetching, data):
    fetching.options = DownloadOptions(retries=1, timeout_s=2, minimum_rate=5000)
    fetching.server.faults["/kg.csv"] = [Fault(rate=1000)]
    fetching()
    assert fetching.file.read_bytes() == data
    assert len(fetching.slept) == 1
    start = int(re.fullmatch(r"bytes=(\d+)-", fetching.ranges()[1])[1])
    assert 0 < start < len(data)


def test_silence_is_a_stall(fetching, data):
    fetching.options = DownloadOptions(retries=0, timeout_s=2, minimum_rate=0)
    fetching.server.faults["/kg.csv"] = [Fault(rate=0.05)]
    assert re.search(r"cut \(.*timed out.*\) after 1 of", failure(fetching))


@pytest.mark.parametrize(
    "target", ["http://localhost/kg.csv", "ftp://localhost/kg.csv", "file:///etc/passwd"]
)
def test_a_redirect_to_another_scheme_is_not_followed(fetching, data, target):
    fetching.server.always["/kg.csv"] = Fault(302, {"Location": target})
    assert f"redirects to {target.partition(':')[0]}, only https is followed" in failure(fetching)


def test_redirects_within_https_are_followed_but_not_endlessly(fetching, data):
    url = f"{fetching.server.url}/a"
    fetching.server.always = {"/a": Fault(307, {"Location": "/b"}), "/b": Fault(301, {"Location": "kg.csv"})}
    assert fetching(url=url).origin == url
    assert fetching.file.read_bytes() == data
    fetching.file.unlink()
    fetching.source().receipt(fetching.folder).unlink()
    fetching.server.always = {"/a": Fault(302, {"Location": "/a"})}
    assert "more than 10 redirects" in failure(fetching, url=url)


def test_an_untrusted_certificate_and_a_missing_authority(fetching, data, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(fetching.folder / "none.pem"))
    with pytest.raises(InputError, match=r"^REQUESTS_CA_BUNDLE: .*none\.pem"):
        fetching()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    message = failure(fetching)
    assert "its certificate is not trusted" in message
    assert fetching.slept == []


def test_a_packed_file_that_the_server_calls_compressed_arrives_as_it_is(fetching, data):
    (fetching.server.folder / "kg.csv.gz").write_bytes(gzip.compress(data, mtime=0))
    fetching.server.always["/kg.csv.gz"] = Fault(headers={"Content-Encoding": "gzip"})
    receipt = fetching(url=f"{fetching.server.url}/kg.csv.gz", unpack="gzip")
    assert fetching.file.read_bytes() == data
    assert receipt.download.bytes == (fetching.server.folder / "kg.csv.gz").stat().st_size
    assert receipt.unpacked.sha256 == sha256(fetching.file)
    assert {each.name for each in fetching.file.parent.iterdir()} == {"kg.csv", ".guard", ".kg.csv.receipt"}


# Disk


def test_too_little_disk_is_reported_before_the_first_byte(fetching, data, monkeypatch):
    usage = namedtuple("usage", "total used free")
    # 100 kB are free; one percent of the disk stays reserved.
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(10**6, 9 * 10**5, 10**5))
    message = failure(fetching)
    wanted = human_size(len(data))
    assert f"needs {wanted} of disk in {fetching.folder / 'kg'}, 90.0 kB are free" in message
    assert "set downloads.folder to another disk" in message
    assert not fetching.part.exists()


def test_the_unpacked_size_is_counted_before_the_first_byte(fetching, data, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(10**6, 0, 10**6))
    packed = gzip.compress(data, mtime=0)
    (fetching.server.folder / "kg.csv.gz").write_bytes(packed)
    packing = {"url": f"{fetching.server.url}/kg.csv.gz", "unpack": "gzip"}
    message = failure(fetching, **packing, unpacked_bytes=10**6)
    assert f"needs {human_size(len(packed) + 10**6)} of disk" in message
    assert not fetching.part.exists()


def test_running_downloads_are_counted_and_abandoned_ones_are_not(fetching, data, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(10**7, 0, 10**6))
    neighbour = fetching.folder / "other"
    neighbour.mkdir(parents=True)
    (neighbour / ".x.csv.part").write_bytes(b"x" * 1000)
    (neighbour / ".x.csv.part.json").write_text(json.dumps({"bytes": 900_000}))
    with FileLock(neighbour / ".guard"):
        assert f"needs {human_size(len(data) + 899_000)} of disk" in failure(fetching)
    fetching()
    assert fetching.file.read_bytes() == data


def test_a_quota_that_is_reached_is_one_line_and_the_bytes_so_far_are_resumed(fetching, data):
    process = start(fetching, limit=2**16)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (1, "")
    assert re.fullmatch(r"error: kg: the disk or quota is full at .*File too large.*\n", err)
    assert not fetching.file.exists()
    assert fetching.part.stat().st_size == 2**16
    fetching()
    assert fetching.file.read_bytes() == data
    assert fetching.ranges() == [None, f"bytes={2**16}-"]


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_is_one_line_and_nothing_corrupt_is_left(
    fetching, data, small_disk, monkeypatch
):
    fetching.folder = small_disk
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    assert "are free" in failure(fetching)
    monkeypatch.setattr(
        disk, "require", lambda *_: None
    )  # as if another program had taken the space meanwhile
    message = failure(fetching)
    assert "the disk or quota is full" in message
    assert "No space left on device" in message
    (small_disk / "filler").unlink()
    fetching()
    assert fetching.file.read_bytes() == data
    assert fetching.ranges()[-1] not in (None, "bytes=0-")


def test_a_folder_that_cannot_be_written(fetching, data, tmp_path):
    (tmp_path / "file").write_text("")
    fetching.folder = tmp_path / "file"
    with pytest.raises(InputError, match=r"^kg: .*/file/kg cannot be used \(Not a directory\)"):
        fetching()


# Processes


def test_two_processes_fetch_one_file_once(fetching, data):
    fetching.server.always["/kg.csv"] = Fault(rate=400_000)
    processes = [start(fetching), start(fetching)]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out, err) == (0, "first seen\n", "")
    assert len(fetching.server.requests_to("/kg.csv")) == 1
    assert fetching.file.read_bytes() == data


def test_a_killed_process_leaves_what_the_next_one_resumes(fetching, data):
    fetching.server.faults["/kg.csv"] = [Fault(rate=40_000)]
    process = start(fetching)
    # Buffered bytes are lost with the process, so wait for bytes on disk.
    wait_for(lambda: fetching.part.exists() and fetching.part.stat().st_size > 0)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=300)
    assert not fetching.file.exists()
    have = fetching.part.stat().st_size
    assert 0 < have < len(data)
    fetching()
    assert fetching.ranges() == [None, f"bytes={have}-"]
    assert fetching.file.read_bytes() == data


def test_a_waiting_thread_finds_the_finished_file(fetching, data):
    fetching.server.faults["/kg.csv"] = [Fault(rate=1_000_000)]
    threads = [threading.Thread(target=fetching) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetching.server.requests_to("/kg.csv")) == 1


# Files that exist already


def test_a_manually_placed_file_is_accepted_if_it_verifies(fetching, data, digest):
    fetching.file.parent.mkdir(parents=True)
    fetching.file.write_bytes(data)
    receipt = fetching(checksum=digest("md5", data))
    assert (receipt.origin, receipt.verified) == ("put in place by hand", "catalogue")
    assert fetching.server.requests == []
    assert read_json(fetching.lock)["kg"]["1"] == {"download": sha256(fetching.file)}


@pytest.mark.parametrize(
    ("content", "changes", "reason"),
    [
        (b"a,b\n1,2\n", {"checksum": f"md5:{'0' * 32}"}, "by the catalogue"),
        (b"a,b\n1,2\n", {"bytes": 9}, "is 8 bytes long, 9 by the catalogue"),
        (PAGE, {}, "is a web page or XML, not csv"),
        (b"", {}, "is empty"),
    ],
)
def test_a_wrong_manually_placed_file_is_named_and_left(fetching, content, changes, reason):
    fetching.file.parent.mkdir(parents=True)
    fetching.file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        fetching(**changes)
    assert str(caught.value).startswith(f"{fetching.file}: ")
    assert reason in str(caught.value)
    assert "move it away to have 1 fetched" in str(caught.value)
    assert fetching.file.read_bytes() == content
    assert not fetching.lock.exists()


def test_a_manually_placed_packed_file_is_unpacked_and_stays(fetching, data, digest):
    packed = fetching.folder / "kg/kg.csv.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(data, mtime=0))
    receipt = fetching(unpack="gzip", checksum=digest("sha512", packed.read_bytes()))
    assert (receipt.origin, receipt.verified) == ("put in place by hand", "catalogue")
    assert fetching.file.read_bytes() == data
    assert packed.exists()
    fetching.file.unlink()
    packed.write_bytes(packed.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"kg\.csv\.gz: has sha256 .* by .*lock.*; move it away"):
        fetching(unpack="gzip")
    fetching.lock.unlink()
    with pytest.raises(InputError, match=r"kg\.csv\.gz: is damaged or truncated"):
        fetching(unpack="gzip")
    assert packed.exists()
    assert not fetching.file.exists()


def test_a_manually_placed_unpacked_file_is_recorded_as_first_seen(fetching, data):
    fetching.file.parent.mkdir(parents=True)
    fetching.file.write_bytes(data)
    receipt = fetching(unpack="gzip", checksum=f"md5:{'0' * 32}", bytes=77)
    assert (receipt.verified, receipt.download) == ("first seen", None)
    assert receipt.unpacked.sha256 == sha256(fetching.file)


def test_a_file_that_has_changed_since_it_was_fetched_is_an_error(fetching, data):
    fetching()
    fetching.lock.unlink()
    fetching.file.write_bytes(data + b"1,2\n")
    with pytest.raises(InputError, match=r"kg\.csv: has sha256 .* by its receipt: it has changed since"):
        fetching()
    assert fetching.file.read_bytes() == data + b"1,2\n"


def test_a_tampered_receipt_is_not_trusted(fetching, data, digest):
    fetching()
    kept = fetching.file.with_name(".kg.csv.receipt")
    public = fetching.source().receipt(fetching.folder)
    honest = public.read_bytes()
    public.write_text(public.read_text().replace("first seen", "catalogue"))
    fetching()
    assert public.read_bytes() == honest
    forged = read_json(kept)
    forged["download"]["digests"]["sha256"] = "0" * 64
    kept.write_text(json.dumps(forged))
    with pytest.raises(InputError, match="by its receipt: it has changed since"):
        fetching()
    for broken in ("", "{}", "[]", '{"name": 1}', json.dumps({**forged, "download": None})):
        kept.write_text(broken)
        assert fetching().verified == "lock"
        assert fetching.file.read_bytes() == data


def test_a_file_of_another_version_is_not_mistaken_for_this_one(fetching, data, digest):
    fetching()
    with pytest.raises(InputError, match=r"is of version 1 by its receipt; move it away to have 2 fetched"):
        fetching(version="2")
    fetching.file.with_name(".kg.csv.receipt").unlink()
    with pytest.raises(InputError, match=r"is version 1 by .*lock\.json; move it away to have 2 fetched"):
        fetching(version="2")
    assert fetching(version="2", checksum=digest("md5", data)).version == "2"


def test_a_partial_file_is_removed_once_the_complete_one_exists(fetching, data):
    fetching()
    fetching.part.write_bytes(b"x")
    fetching.part.with_name(".kg.csv.part.json").write_text("{}")
    fetching()
    assert not fetching.part.exists()


# The lock


def lose(fetching):
    shutil.rmtree(fetching.folder)


def test_a_download_that_differs_from_the_first_one_shows_both_and_how_to_accept(fetching, data):
    first = fetching().content.sha256
    lose(fetching)
    (fetching.server.folder / "kg.csv").write_bytes(data + b"1,2\n")
    message = failure(fetching)
    assert f"{first} by {fetching.lock}" in message
    assert sha256(fetching.server.folder / "kg.csv") in message
    assert "to accept the new one, remove kg 1 there" in message
    entries = read_json(fetching.lock)
    del entries["kg"]["1"]
    fetching.lock.write_text(json.dumps(entries))
    assert fetching().verified == "first seen"


def test_a_download_that_matches_the_lock_is_verified_by_it(fetching, data):
    fetching()
    lose(fetching)
    assert fetching().verified == "lock"


def test_the_lock_applies_in_addition_to_a_stated_checksum(fetching, data, digest):
    fetching(checksum=digest("md5", data))
    lose(fetching)
    changed = data + b"1,2\n"
    (fetching.server.folder / "kg.csv").write_bytes(changed)
    assert "to accept the new one, remove kg 1 there" in failure(fetching, checksum=digest("md5", changed))


def test_the_lock_knows_the_unpacked_file(fetching, data):
    (fetching.server.folder / "kg.csv.gz").write_bytes(gzip.compress(data, mtime=0))
    source = fetching.source(url=f"{fetching.server.url}/kg.csv.gz", unpack="gzip")
    receipt = fetching(source)
    assert read_json(fetching.lock)["kg"]["1"] == {
        "download": receipt.download.sha256,
        "unpacked": receipt.unpacked.sha256,
    }
    fetching.file.with_name(".kg.csv.receipt").unlink()
    assert fetching(source).verified == "lock"
    fetching.file.with_name(".kg.csv.receipt").unlink()
    fetching.file.write_bytes(data[:-1])
    with pytest.raises(InputError, match=r"by .*sources\.lock\.json"):
        fetching(source)


def test_a_partial_file_is_hashed_before_the_server_is_contacted(fetching, data, monkeypatch):
    fetching.options = DownloadOptions(retries=0)
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000)]
    failure(fetching)
    requested = []
    digest_file = transfer.digest_file

    def watched(*arguments, **options):
        requested.append(len(fetching.server.requests))
        return digest_file(*arguments, **options)

    monkeypatch.setattr(transfer, "digest_file", watched)
    fetching()
    assert requested == [1]
    assert fetching.ranges() == [None, "bytes=90000-"]
    assert fetching.file.read_bytes() == data
