"""The cache of vectors: it returns the same bytes, is resumed, shared, and repaired if damaged."""

import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_language_model import toy

from perturbkg.encoders._language_models import cache
from perturbkg.encoders._language_models.cache import VectorCache
from perturbkg.errors import InputError

SUPPORT = Path(__file__).parents[3] / "support"
MADE_BY = {"model": "tiny/toy", "pooling": "cls"}
TEXTS = ["first", "", "third, ünïcode"]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4) / 7


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors" / "tiny--toy.sqlite"


@pytest.fixture
def filled(path):
    """Return the path of a file that has the vectors of `TEXTS`."""
    with VectorCache(path, MADE_BY) as file:
        file.put(TEXTS, VECTORS, [7, 2, 600])
    return path


def started(folder, *, killed_at=None, texts="range(200)"):
    """Start a process that encodes texts, one in each batch, and writes after each."""
    code = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
from pathlib import Path
from toy_language_model import toy
from perturbkg.encoders._language_models import cache
cache.EVERY = 0
toy(Path({str(folder)!r}), killed_at={killed_at}, tokens_per_batch=1).encode([f"text {{n}}" for n in {texts}])
"""
    return subprocess.Popen([sys.executable, "-c", code])


def count(path):
    file = sqlite3.connect(path)
    found = file.execute("SELECT count(*) FROM vectors").fetchone()[0]
    file.close()
    return found


@settings(max_examples=25)  # each waits for the disk
@given(
    texts=st.lists(st.text(max_size=5), min_size=1, max_size=5, unique=True),
    values=st.lists(st.floats(width=32), min_size=2, max_size=2),
)
def test_the_same_bytes_come_back(texts, values, tmp_path_factory):
    vectors = np.tile(np.array(values, dtype=np.float32), (len(texts), 1))
    file_path = tmp_path_factory.mktemp("cache") / "vectors.sqlite"
    with VectorCache(file_path, MADE_BY) as file:
        file.put(texts, vectors, range(len(texts)))
    with VectorCache(file_path, MADE_BY) as file:
        found = file.get(texts)
    assert [found[place].vector.tobytes() for place in range(len(texts))] == [v.tobytes() for v in vectors]
    assert [found[place].tokens for place in range(len(texts))] == list(range(len(texts)))


def test_a_missing_vector_is_not_found(filled):
    with VectorCache(filled, MADE_BY) as file:
        assert set(file.get(["other", "third, ünïcode", "First"])) == {1}


def test_a_vector_is_found_only_for_its_model_and_options(filled):
    with VectorCache(filled, MADE_BY | {"pooling": "mean"}) as file:
        assert file.get(TEXTS) == {}


def test_a_written_entry_is_not_replaced(filled):
    """Two jobs may compute one vector with different rounding: all jobs use the first one."""
    with VectorCache(filled, MADE_BY) as file:
        file.put(["first"], VECTORS[1:2], [7])
    with VectorCache(filled, MADE_BY) as file:
        assert file.get(["first"])[0].vector.tolist() == VECTORS[0].tolist()


@pytest.mark.parametrize(
    "damage",
    [
        "vector = zeroblob(16)",
        "vector = substr(vector, 1, 8)",
        "vector = 'text'",
        "vector = 5",
        "tokens = 8",
        "tokens = 'many'",
        "checksum = zeroblob(8)",
    ],
)
def test_a_corrupt_entry_is_found_and_recomputed(filled, damage, caplog):
    file = sqlite3.connect(filled)
    with file:
        changed = file.execute(f"UPDATE vectors SET {damage} WHERE tokens = 7").rowcount
    file.close()
    assert changed == 1
    with VectorCache(filled, MADE_BY) as repaired, caplog.at_level(logging.WARNING):
        assert set(repaired.get(TEXTS)) == {1, 2}
        assert repaired.corrupt == 1
        repaired.put(TEXTS[:1], VECTORS[:1], [7])
    assert "1 corrupt entries" in caplog.text
    with VectorCache(filled, MADE_BY) as again:
        assert again.get(TEXTS)[0].vector.tolist() == VECTORS[0].tolist()
        assert again.corrupt == 0


def test_a_file_that_is_not_a_database_is_renamed_once(filled, caplog):
    filled.write_bytes(b"not a database, whatever it was " * 500)
    Path(f"{filled}-journal").write_bytes(b"of the old file")
    with caplog.at_level(logging.WARNING), VectorCache(filled, MADE_BY) as file:
        assert file.get(TEXTS) == {}
        file.put(TEXTS, VECTORS, [7, 2, 600])
    assert caplog.text.count("damaged; renamed to tiny--toy.sqlite.damaged-1") == 1
    assert filled.with_name("tiny--toy.sqlite.damaged-1").read_bytes().startswith(b"not a database")
    assert not Path(f"{filled}-journal").exists()  # else the new file would be overwritten from it
    with VectorCache(filled, MADE_BY) as file:
        assert len(file.get(TEXTS)) == 3


def test_a_torn_database_is_renamed_while_it_is_read(path, caplog):
    many = [f"text {number}" for number in range(3000)]
    vectors = np.ones((3000, 16), dtype=np.float32)
    with VectorCache(path, MADE_BY) as file:
        file.put(many, vectors, [1] * 3000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xff" * (size // 3))
    with caplog.at_level(logging.WARNING), VectorCache(path, MADE_BY) as file:
        missing = set(range(3000)) - set(file.get(many))
        assert missing
        file.put(many, vectors, [1] * 3000)
    assert "damaged; renamed to" in caplog.text
    with VectorCache(path, MADE_BY) as file:
        assert len(file.get(many)) == 3000


def test_a_locked_file_is_reported_in_one_line(filled, monkeypatch):
    monkeypatch.setattr(cache, "_PATIENCE", 0)
    other = sqlite3.connect(filled)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InputError, match=r"tiny--toy.sqlite: database is locked") as error:
        VectorCache(filled, MADE_BY)
    assert "\n" not in str(error.value)
    other.close()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "vectors").write_text("a file")
    with pytest.raises(InputError, match="name another one for the vectors"):
        VectorCache(tmp_path / "vectors" / "deep" / "x.sqlite", MADE_BY)


def test_a_killed_job_is_resumed(tmp_path, path):
    assert started(tmp_path, killed_at=20).wait() == -9
    assert 0 < count(path) < 30
    texts = [f"text {number}" for number in range(200)]
    encoder = toy(tmp_path)
    vectors = encoder.encode(texts)
    assert 0 < encoder.counts.remembered < 30
    assert count(path) == 200
    np.testing.assert_allclose(vectors, toy(tmp_path, vectors_folder=None).encode(texts), rtol=1e-5)


def test_two_jobs_share_a_file(tmp_path, path):
    jobs = [started(tmp_path, texts=f"range({first}, {first + 150})") for first in (0, 50)]
    assert [job.wait() for job in jobs] == [0, 0]
    assert count(path) == 200
    encoder = toy(tmp_path)
    encoder.encode([f"text {number}" for number in range(200)])
    assert encoder.counts.remembered == 200
    assert encoder.counts.corrupt == 0
