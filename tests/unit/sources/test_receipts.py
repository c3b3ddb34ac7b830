"""The lock file: written by several processes at once, and checked when it is read."""

import threading

import pytest

from perturbkg.errors import InputError
from perturbkg.io.files import read_json
from perturbkg.sources.content import Content
from perturbkg.sources.receipts import Lock, Receipt

DIGEST = "ab" * 32


def receipt(name="kg", download=DIGEST, unpacked=None):
    contents = (Content(1, {"sha256": digest}) if digest else None for digest in (download, unpacked))
    return Receipt(name, "1", "kg.csv", "https://localhost/kg.csv", "first seen", *contents)


def test_a_receipt_survives_its_file(tmp_path):
    for each in (receipt(), receipt(unpacked="cd" * 32), receipt(download=None, unpacked=DIGEST)):
        each.write(tmp_path / "kg.json")
        assert Receipt.read(tmp_path / "kg.json") == each
        assert each.content in (each.download, each.unpacked)
    with pytest.raises(ValueError, match="has no content"):
        _ = receipt(download=None).content


def test_processes_that_record_at_once_lose_nothing(tmp_path):
    lock = Lock(tmp_path / "config/sources.lock.json")
    names = [f"s{number}" for number in range(16)]
    threads = [threading.Thread(target=lock.record, args=(receipt(name),)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_json(lock.path) == {name: {"1": {"download": DIGEST}} for name in names}


def test_recorded_digests_are_kept_and_completed(tmp_path):
    lock = Lock(tmp_path / "lock.json")
    lock.record(receipt(download=None, unpacked=DIGEST))
    lock.record(receipt(download="cd" * 32, unpacked="ef" * 32))
    assert read_json(lock.path)["kg"]["1"] == {"download": "cd" * 32, "unpacked": DIGEST}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"kg": 1}',
        '{"kg": {"1": []}}',
        '{"kg": {"1": {"file": "0"}}}',
        '{"kg": {"1": {"download": 5}}}',
    ],
)
def test_a_damaged_lock_is_an_error_and_stays(fetching, data, text):
    fetching.lock.write_text(text)
    with pytest.raises(InputError, match=r"sources\.lock\.json: not a lock file .*restore it|restore it"):
        fetching()
    assert fetching.lock.read_text() == text
    assert fetching.server.requests == []


def test_a_lock_that_cannot_be_written(fetching, data, tmp_path):
    (tmp_path / "file").write_text("")
    fetching.lock = tmp_path / "file/sources.lock.json"
    with pytest.raises(InputError, match=r"file/sources\.lock\.json: .*Not a directory"):
        fetching()
