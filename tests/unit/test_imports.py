"""The walk over imports: exactly the package files that a script reaches."""

import os

import pytest

from perturbkg import imports


def names(paths):
    return {path.relative_to(imports.PACKAGE).as_posix() for path in paths}


def test_a_module_and_the_packages_on_the_way_are_reached(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import os\nfrom perturbkg.io.files import sha256\n")
    assert names(imports.reached(script)) == {"__init__.py", "io/__init__.py", "io/files.py"}


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
    """Else editing one model would rerun all of them."""
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


def test_relative_imports_are_refused(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from . import files\n")
    with pytest.raises(ValueError, match="relative import"):
        imports.reached(script)


def test_jobs_see_the_package_once_and_first(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    imports.show_to_jobs()
    imports.show_to_jobs()
    assert os.environ["PYTHONPATH"] == os.pathsep.join([str(imports.PACKAGE.parent), "elsewhere"])
