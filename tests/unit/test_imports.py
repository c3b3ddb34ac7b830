"""Following imports: exactly the package files that a script needs."""

import os

import pytest

from perturbkg import imports, parsed
from perturbkg.errors import InputError


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
    assert here == {"elsewhere/__init__.py", "elsewhere/models/__init__.py", "elsewhere/shared.py"}
    assert imports.PACKAGE / "errors.py" in found


#: Two parts of the files around a plug-in, which is the first, and those whose change must change the digest.
PLUG_INS = {
    "a module beside another": (
        {
            "mine.py": "import helper, numpy",
            "helper.py": "import tools.deep",
            "numpy.txt": "",
            "other.py": "",
        },
        {"tools/__init__.py": "", "tools/deep.py": ""},
        {"mine.py", "helper.py", "tools/__init__.py", "tools/deep.py"},
    ),
    "a module and its data": (
        {"mine.py": "T = 'table.csv', 'data'", "table.csv": "1", "other.csv": "1"},
        {"data/large.csv": "1"},
        {"mine.py", "table.csv"},
    ),
    "a package and its data": (
        {"own/mine.py": "T = 'table.csv', 'data'", "own/__init__.py": "", "own/table.csv": "1"},
        {"own/data/a/part.csv": "1", "own/other.csv": "1", "own/other.py": "", "table.csv": "1"},
        {"own/mine.py", "own/__init__.py", "own/table.csv", "own/data/a/part.csv"},
    ),
    "a namespace package": (
        {"space/sub/mine.py": "import space.sub.one\nfrom .two import x\nfrom space.sub import four"},
        {"space/sub/one.py": "", "space/sub/two.py": "from ..three import x", "space/three.py": ""}
        | {"space/sub/four.py": "", "space/sub/other.py": ""},
        {"space/sub/mine.py", "space/sub/one.py", "space/sub/two.py", "space/three.py", "space/sub/four.py"},
    ),
    "a package in a namespace": (
        {"space/own/mine.py": "import space.own.one, space.two", "space/own/__init__.py": ""},
        {"space/own/one.py": "", "space/two.py": "", "space/other.py": ""},
        {"space/own/mine.py", "space/own/__init__.py", "space/own/one.py", "space/two.py"},
    ),
    "an installed module": (
        {"mine.py": "import helper, numpy, six", "helper.py": "", "numpy/__init__.py": "", "six.py": ""},
        {"mine-1.dist-info/RECORD": "helper.py,,\nmine.py,,\n", "six-1.dist-info/RECORD": "six.py,,\n"},
        {"mine.py", "helper.py"},
    ),
    "an installed package": (
        {"own/mine.py": "import own.one, numpy", "own/__init__.py": "", "own/one.py": ""},
        {"numpy/__init__.py": "", "numpy-1.dist-info/RECORD": "numpy/__init__.py,,\n"},
        {"own/mine.py", "own/__init__.py", "own/one.py"},
    ),
}


@pytest.mark.parametrize("case", PLUG_INS)
def test_a_digest_changes_with_exactly_what_a_plug_in_of_another_package_reads(tmp_path, case):
    contents, more, counted = PLUG_INS[case]
    contents = contents | more
    for name, text in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    start = tmp_path / next(iter(contents))

    def digest():
        for function in (imports._nodes, imports.imported, imports.data_of, imports._content, imports.digest):
            function.cache_clear()
        return imports.digest(start)

    before, changing = digest(), set()
    for name, text in contents.items():
        (tmp_path / name).write_text(f"{text}\n# an edit\n")
        if digest() != before:
            changing.add(name)
        (tmp_path / name).write_text(text)
    assert changing == counted


def test_a_relative_import_that_leads_to_no_file_is_an_error_of_one_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("\nfrom . import missing\n")
    with pytest.raises(
        InputError, match=r"script.py:2: the relative import of 'missing' leads to no file"
    ) as error:
        imports.reached(script)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [("\ndef broken(:\n", ":2"), ("a = '\0'\n", "(:1)?"), ("a = 'é'\n".encode("latin-1"), "(:1)?")],
    ids=["syntax", "null byte", "not UTF-8"],
)
@pytest.mark.parametrize("read", [imports.digest, parsed.parse])
def test_a_file_that_is_not_python_is_an_error_of_one_line(tmp_path, text, line, read):
    script = tmp_path / "script.py"
    script.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(
        InputError, match=rf"script\.py{line}: this is not valid Python: .*; correct it"
    ) as error:
        read(script)
    assert "\n" not in str(error.value)


def test_a_new_version_alone_does_not_change_a_digest(tmp_path):
    contents = ("A = 1\n__version__ = '1'\n", "A = 1\n__version__ = '2'\n", "A = 2\n__version__ = '1'\n")
    digests = []
    for number, text in enumerate(contents):
        script = tmp_path / str(number) / "script.py"
        script.parent.mkdir()
        script.write_text(text)
        digests.append(imports.digest(script))
    assert digests[0] == digests[1] != digests[2]


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
