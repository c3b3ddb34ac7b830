"""With --allow-missing-extras a test that lacks an extra is skipped; a wrong import always fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = {
    "test_top.py": "import playwright\n",
    "test_typing_error.py": "import pytest.no_such_module\n",
    "test_inside.py": """
import pytest

@pytest.fixture
def page():
    import playwright

def test_fixture(page): ...

def test_call():
    import playwright.sync_api

def test_typing_error_in_call():
    import pytest.no_such_module

def test_typing_error_in_the_package():
    import perturbkg.no_such_module
""",
}
# `playwright` is in the extra `develop`; the plug-in makes it absent.
ABSENT = "import sys\nsys.modules['playwright'] = None\n"


@pytest.mark.parametrize(
    ("options", "outcome"),
    [([], "3 failed, 3 errors"), (["--allow-missing-extras"], "2 failed, 3 skipped, 1 error")],
)
def test_only_a_missing_extra_is_skipped_and_only_if_allowed(tmp_path, options, outcome):
    for name, text in {**FILES, "absent.py": ABSENT}.items():
        (tmp_path / name).write_text(text)
    paths = os.pathsep.join([str(tmp_path), str(TESTS), os.environ.get("PYTHONPATH", "")])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "absent",
        "-p",
        "conftest",
    ]
    command += ["--continue-on-collection-errors", *options]
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1].startswith(f"{outcome} in "), done.stdout + done.stderr
