"""Following imports: exactly the package files that a script needs."""

import os

import pytest

from perturbkg import imports


def names(paths):
    return {path.relative_to(imports.PACKAGE).as_posix() for path in paths}


def test_a_module_and_its_parent_packages_are_reached(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import os\nfrom perturbkg.io.files import sha256\n")
    assert names(imports.imported(script)) == {"__init__.py", "io/__init__.py", "io/files.py"}


def test_imports_of_imports_and_inside_functions_are_reached(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def main():\n    from perturbkg import schemas\n")
    found = names(imports.reached(script))
    assert {"schemas.py", "errors.py", "io/files.py"} <= found
    assert "config.py" not in found


def test_a_package_imported_by_from_is_reached(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from perturbkg import models\nfrom perturbkg.models import Model\n")
    assert "models/__init__.py" in names(imports.reached(script))
    assert "models/gat.py" not in names(imports.reached(script))


def test_no_shared_module_reaches_a_plug_in_by_import():
    """Otherwise editing one model would rerun all of them."""
    plug_ins = {
        path
        for folder in imports.PACKAGE.iterdir()
        if (folder / "__init__.py").is_file()
        for path in folder.glob("*.py")
        if folder.name in {"models", "ablations", "splits", "metrics", "encoders"}
        and not path.stem.startswith("_")
    }
    shared = [path for path in imports.PACKAGE.rglob("*.py") if path not in plug_ins]
    for path in shared:
        assert not plug_ins & set(imports.imported(path)), path


def test_a_plug_in_of_another_package_is_followed_into_its_package(tmp_path):
    package = tmp_path / "elsewhere"
    (package / "models").mkdir(parents=True)
    for name in ("__init__.py", "shared.py", "other.py", "models/__init__.py"):
        (package / name).touch()
    plug_in = package / "models" / "mine.py"
    plug_in.write_text("import numpy\nfrom ..shared import SIZE\nfrom perturbkg.errors import InputError\n")
    found = imports.reached(plug_in)
    here = {path.relative_to(tmp_path).as_posix() for path in found if path.is_relative_to(tmp_path)}
    assert here == {"elsewhere/__init__.py", "elsewhere/shared.py"}
    assert imports.PACKAGE / "errors.py" in found
    before = imports.digest(plug_in)
    (package / "shared.py").write_text("SIZE = 2\n")
    for function in (imports._content, imports.digest):
        function.cache_clear()
    assert imports.digest(plug_in) != before


def test_a_relative_import_outside_of_any_package_is_refused(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from . import files\n")
    with pytest.raises(ValueError, match="relative import"):
        imports.reached(script)


def test_jobs_see_the_package_once_and_first(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    imports.show_to_jobs()
    imports.show_to_jobs()
    assert os.environ["PYTHONPATH"] == os.pathsep.join([str(imports.PACKAGE.parent), "elsewhere"])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that makes a package of this name, with a page and its template, in a new folder."""

    def make(place):
        folder = tmp_path / place / "perturbkg"
        files = {
            "__init__.py": "",
            "report/__init__.py": "",
            "report/page.py": 'from pathlib import Path\n\nFOLDER = Path(__file__).parent / "templates"\n',
            "report/templates/page.html": "<p>",
            "report/other.yaml": "a: 1\n",
            "unrelated.py": "",
            "../script.py": "from perturbkg.report import page\n",
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        monkeypatch.setattr(imports, "PACKAGE", folder)
        return folder

    return make


def test_a_digest_does_not_depend_on_the_folder_of_the_package(package):
    digests = {imports.digest(package(place).parent / "script.py") for place in ("one", "two")}
    assert len(digests) == 1
    assert len(digests.pop()) == 64


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("../script.py", True),
        ("report/page.py", True),
        ("report/__init__.py", True),
        ("report/templates/page.html", True),
        ("report/templates/new.html", True),
        ("report/other.yaml", False),
        ("unrelated.py", False),
    ],
)
def test_a_digest_changes_only_with_reached_files(package, name, changes):
    before = imports.digest(package("before").parent / "script.py")
    folder = package("after")
    with (folder / name).open("a") as file:
        file.write("# an edit\n")
    assert (imports.digest(folder.parent / "script.py") != before) == changes


def test_a_plug_in_that_is_also_imported_counts_once(package):
    folder = package("here")
    page = folder / "report/page.py"
    script = folder.parent / "script.py"
    assert imports.digest(script, page) == imports.digest(script)


def test_every_data_file_of_the_package_belongs_to_a_module_that_reads_it():
    """Otherwise a change of a template would not rerun the report."""
    data = {
        path
        for path in imports.PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix != ".py"
        and path.name != "py.typed"
        and "__pycache__" not in path.parts
    }
    read = set().union(*(imports.data_of(path) for path in imports.PACKAGE.rglob("*.py")))
    assert {path.suffix for path in read} >= {".yaml", ".j2", ".css", ".js"}
    assert read == data
