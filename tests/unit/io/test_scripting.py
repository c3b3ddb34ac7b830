import subprocess
import sys

# In a process of its own, as `reporting` takes the logging of pytest away.
PROGRAM = """
import logging, sys
from perturbkg.errors import InputError
from perturbkg.io.scripting import reporting

with reporting(sys.argv[1], "read"):
    logging.getLogger("perturbkg.knowledge_graphs.primekg").warning("kg.csv: it was cut")
    logging.getLogger("perturbkg.knowledge_graphs.primekg").info("an hour left")
    logging.getLogger("another_library").warning("deprecated")
    if sys.argv[2]:
        raise InputError(sys.argv[2])
"""


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert not done.stdout
    return done.returncode, done.stderr.splitlines()


def test_warnings_of_the_package_are_printed_once_and_all_are_in_the_log(tmp_path):
    assert run(tmp_path / "log", "") == (0, ["warning in read: kg.csv: it was cut"])
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "WARNING kg.csv: it was cut",
        "INFO an hour left",
        "WARNING deprecated",
    ]


def test_an_error_is_one_line_after_the_warnings(tmp_path):
    printed = ["warning in read: kg.csv: it was cut", "error in read: row 3"]
    assert run(tmp_path / "log", "row 3") == (1, printed)
