"""`perturbkg sources` and scripts/download_source.py, on a catalogue whose hosts are a loopback server."""

import logging
import runpy
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from servers import Fault
from typer.testing import CliRunner

from perturbkg import cli
from perturbkg.errors import InputError
from perturbkg.sources import commands
from perturbkg.sources.catalogue import read_catalogue
from perturbkg.sources.receipts import Receipt

SCRIPT = Path(__file__).parents[3] / "scripts/download_source.py"


@pytest.fixture
def catalogue(fetching, data, tmp_path):
    """Write a catalogue whose sources `here` and `gone` are on the server."""
    entry = {"publisher": "loopback", "about": "a table", "version": "1", "file": "kg.csv", "format": "csv"}
    publisher = {"title": "L", "homepage": "https://localhost/", "licence": "CC0 1.0", "citation": "C"}
    sources = {
        name: {**entry, "url": f"{fetching.server.url}/{file}"}
        for name, file in (("here", "kg.csv"), ("gone", "none.csv"))
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"publishers": {"loopback": publisher}, "sources": sources}))
    return path


def invoke(*arguments, columns=120):
    runner = CliRunner(env={"COLUMNS": str(columns)})
    return runner.invoke(cli.app, ["sources", *(str(argument) for argument in arguments)])


def test_a_list_outside_a_terminal_has_tabs_and_is_not_cut(catalogue):
    result = invoke("list", "--catalogue", catalogue, columns=40)
    assert result.exit_code == 0, result.output
    heading, *rows, total = result.output.splitlines()
    assert heading.split("\t") == ["name", "version", "size", "checksum", "licence", "about"]
    sources = read_catalogue(catalogue)
    assert [row.split("\t")[0] for row in rows] == list(sources)
    assert all(row.split("\t")[5] == sources[row.split("\t")[0]].about for row in rows)
    kg = next(row for row in rows if row.startswith("primekg_kg"))
    assert kg.split("\t")[1:5] == ["2.1", "981.8 MB", "md5", "CC0 1.0"]
    assert total.startswith(f"{len(sources)} sources; ")
    assert "is not known for certain" in total


def test_a_list_on_a_terminal_is_a_table(catalogue, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(commands, "Console", lambda: Console(force_terminal=True, color_system=None))
    commands.list_sources(catalogue)
    lines = capsys.readouterr().out.splitlines()
    assert any("primekg_kg" in line and "981.8 MB" in line for line in lines)
    assert max(map(len, lines[:-1])) <= 100


def test_check_says_what_is_gone_and_ends_with_status_1(catalogue, data):
    result = invoke("check", "here", "gone", "--catalogue", catalogue)
    assert result.exit_code == 1
    rows = [line.split("\t") for line in result.output.splitlines()]
    assert [row[:2] for row in rows[1:]] == [["here", "up"], ["gone", "gone"]]
    assert rows[2][4] == "status 404 Not Found"
    assert invoke("check", "here", "--catalogue", catalogue).exit_code == 0


def test_fetch_downloads_what_it_can_and_reports_each_failure_in_one_line(catalogue, fetching, data):
    where = ("--folder", fetching.folder, "--lock", fetching.lock, "--catalogue", catalogue)
    result = invoke("fetch", "gone", "here", *where)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: gone: no address serves it: https://localhost")
    path = fetching.folder / "here/kg.csv"
    assert path.read_bytes() == data
    assert result.stdout.startswith(f"{path}: ")
    assert "verified by: first seen" in result.stdout
    assert fetching.lock.exists()
    assert invoke("fetch", "here", *where).exit_code == 0


def test_an_unknown_name_suggests_the_nearest_before_anything_is_fetched(catalogue, fetching):
    for command in ("check", "fetch"):
        error = invoke(command, "here", "heer", "--catalogue", catalogue).exception
        assert isinstance(error, InputError)
        assert "unknown source 'heer' (did you mean 'here'?)" in str(error)
    assert fetching.server.requests == []


def test_the_script_writes_the_receipt_that_the_rule_declares(catalogue, fetching, data):
    main = runpy.run_path(str(SCRIPT))["main"]
    downloads = {"catalogue": catalogue, "folder": fetching.folder, "lock": fetching.lock}
    downloads |= {"retries": 0, "timeout_s": 60, "minimum_rate": 0}
    main(source="here", **downloads)
    receipt = Receipt.read(fetching.folder / "here.json")
    assert receipt.content.bytes == len(data)
    assert (fetching.folder / "here/kg.csv").read_bytes() == data
    with pytest.raises(InputError, match=r"^gone: no address serves it"):
        main(source="gone", **downloads)
    assert not (fetching.folder / "gone.json").exists()


def test_the_log_reports_retries_and_resumption(catalogue, fetching, data, caplog):
    fetching.server.faults["/kg.csv"] = [Fault(stop_after=90_000)]
    with caplog.at_level(logging.INFO):
        fetching()
    logged = caplog.text
    assert f"kg: fetching {fetching.server.url}/kg.csv" in logged
    assert f"cut after 90000 of {len(data)} bytes; again in 1 s" in logged
    assert "kg: resumed at 90.0 kB" in logged
