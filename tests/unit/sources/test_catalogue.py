"""The catalogue: the package's own is valid, an overlay replaces and adds, and every mistake is one line."""

import subprocess
import sys

import pytest
import yaml

from perturbkg.errors import InputError
from perturbkg.sources.catalogue import CATALOGUE, find, human_size, read_catalogue

PUBLISHER = {"title": "T", "homepage": "https://example.org/", "licence": "CC0", "citation": "C"}
ENTRY = {
    "publisher": "mine",
    "about": "a table",
    "version": "1",
    "url": "https://example.org/kg.csv",
    "file": "kg.csv",
    "format": "csv",
}


def overlay(folder, entry, name="new", **sections):
    path = folder / "mine.yaml"
    catalogue = {"publishers": {"mine": PUBLISHER}, "sources": {name: entry}, **sections}
    path.write_text(yaml.safe_dump(catalogue, sort_keys=False))
    return path


def test_the_package_catalogue_names_every_source_that_the_readers_need():
    sources = read_catalogue()
    assert {"primekg_kg", "primekgpp_drug", "optimuskg_nodes", "lincs2020_level5", "ccle_models"} <= set(
        sources
    )
    assert {f"gse{n}_{part}" for n in (92742, 70138) for part in ("level5", "sig", "metrics")} <= set(sources)
    kg = sources["primekg_kg"]
    assert (kg.file, kg.bytes, kg.publisher.title) == ("kg.csv", 981751236, "PrimeKG")
    assert len({source.path("d") for source in sources.values()}) == len(sources)


def test_nothing_heavy_is_imported_to_read_it():
    program = (
        "import sys; from perturbkg.sources.catalogue import read_catalogue; read_catalogue();"
        "sys.exit(', '.join({'requests', 'numpy', 'polars', 'rich', 'jsonschema'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_overlay_replaces_whole_entries_and_adds_new_ones(tmp_path):
    own = read_catalogue()
    replaced = {**ENTRY, "publisher": "primekg"}
    path = overlay(tmp_path, replaced, "primekg_kg", sources={"primekg_kg": replaced, "new": ENTRY})
    sources = read_catalogue(path)
    assert list(sources) == [*own, "new"]
    assert sources["primekg_kg"].checksum is None
    assert sources["primekg_kg"].publisher == own["primekg_kg"].publisher
    assert sources["new"].publisher.terms is None
    assert sources["optimuskg_edges"] == own["optimuskg_edges"]


def test_a_replaced_publisher_applies_to_the_package_sources(tmp_path):
    path = overlay(tmp_path, ENTRY, publishers={"mine": PUBLISHER, "primekg": {**PUBLISHER, "title": "U"}})
    assert read_catalogue(path)["primekg_kg"].publisher.title == "U"


def test_an_empty_section_counts_as_absent(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sources:\n")
    assert read_catalogue(path) == read_catalogue()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"urll": "x"}, "sources.new: unknown key 'urll'; allowed are about, version, url,"),
        ({"version": 2.1}, 'sources.new: version: 2.1 must be a text; quote it, as in "2.1"'),
        (
            {"url": "http://example.org/kg.csv"},
            "url: 'http://example.org/kg.csv' must be an https:// address",
        ),
        ({"url": "https://example.org"}, "must be an https:// address"),
        ({"mirrors": ["ftp://example.org/a"]}, "mirrors: ['ftp://example.org/a'] must be a list of https://"),
        ({"mirrors": "https://example.org/a"}, "must be a list of https://"),
        ({"checksum_url": "http://example.org/a"}, "checksum_url: 'http://example.org/a' must be"),
        ({"publisher": "unknown"}, "sources.new: publisher: 'unknown' is not one of publishers: primekg,"),
        ({"file": "../kg.csv"}, "file: '../kg.csv' must be a file name that has no folder"),
        ({"file": "a/kg.csv"}, "must be a file name"),
        ({"file": "a\\kg.csv"}, "must be a file name"),
        ({"file": ".."}, "must be a file name"),
        ({"file": ".kg.csv.part"}, "must be a file name"),
        ({"checksum": "md5:123"}, "checksum: 'md5:123' must be <algorithm>:<lower-case hexadecimal>"),
        ({"checksum": "crc:" + "0" * 32}, "must be <algorithm>"),
        ({"checksum": "md5:" + "A" * 32}, "must be <algorithm>"),
        ({"bytes": 0}, "bytes: 0 must be a whole number above 0"),
        ({"bytes": True}, "must be a whole number"),
        ({"bytes": "12"}, "must be a whole number"),
        ({"unpack": "rar"}, "unpack: 'rar' must be gzip, zip:<member>, tar:<member> or null"),
        ({"unpack": "zip:"}, "must be gzip"),
        ({"format": "xlsx"}, "format: 'xlsx' must be one of csv, tsv, gctx, parquet, json"),
        ({"about": "two\nlines"}, "about: 'two\\nlines' must be a text"),
    ],
)
def test_a_wrong_value_is_named_with_file_entry_and_remedy(tmp_path, change, reason):
    path = overlay(tmp_path, {**ENTRY, **change})
    with pytest.raises(InputError) as caught:
        read_catalogue(path)
    assert str(caught.value).startswith(f"{path}: sources.new: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [key for key in ENTRY if key != "publisher"])
def test_a_missing_key_is_named(tmp_path, key):
    path = overlay(tmp_path, {name: value for name, value in ENTRY.items() if name != key})
    with pytest.raises(InputError, match=rf"sources\.new: key '{key}' is missing; it must be"):
        read_catalogue(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not YAML: while parsing"),
        ("- a", "must hold the sections publishers and sources"),
        ("source: {}", "must hold the sections publishers and sources"),
        ("sources: [1]", "sources: must hold name: entry lines, holds [1]"),
        ("sources: {A-b: {publisher: primekg}}", "sources.A-b: the name must consist of a-z, 0-9 and _"),
        ("sources: {a: 1}", "sources.a: publisher: '' is not one of publishers"),
        ("publishers: {a: 1}", "publishers.a: must hold key: value lines, holds 1"),
        ("publishers: {a: {title: T}}", "publishers.a: key 'homepage' is missing"),
        ("sources:\n  a: {}\n  a: {}\n", "key 'a' occurs twice"),
        ("sources: {a: {file: x, file: y}}", "key 'file' occurs twice"),
        ("sources: !!python/object/apply:os.getcwd []", "not YAML: could not determine a constructor"),
    ],
)
def test_a_file_that_is_not_a_catalogue(tmp_path, text, reason):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_catalogue(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_overlay(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        read_catalogue(tmp_path / "none.yaml")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"unknown source 'primekg_gk' \(did you mean 'primekg_kg'\?\)"):
        find(read_catalogue(), "primekg_gk")


def test_sizes_are_readable():
    assert [human_size(size) for size in (0, 999, 1000, 981_751_236, 35.5e9, 2e15)] == [
        "0 bytes", "999 bytes", "1.0 kB", "981.8 MB", "35.5 GB", "2000.0 TB"
    ]  # fmt: skip


def test_the_file_of_the_catalogue_is_part_of_the_package():
    assert CATALOGUE.is_file()
