"""docs/models.md says what the code says."""

import re
from pathlib import Path

import numpy as np
import yaml

from perturbkg import plugins
from perturbkg.data import Data, Pairs, Signatures

PAGE = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")


def rows(first_column: str) -> list[list[str]]:
    """Return the cells of the table that has this header."""
    lines = PAGE[PAGE.index(f"| {first_column}") :].splitlines()
    table = lines[2 : next((i for i, line in enumerate(lines) if not line.startswith("|")), None)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_every_model_has_its_row():
    assert sorted(row[0].strip("` ") for row in rows("model | what it predicts")) == plugins.names("models")


def test_every_default_is_the_default_of_the_code():
    told: dict[str, dict[str, object]] = {name: {} for name in plugins.names("models")}
    for models, options in rows("model | options"):
        neural = [name for name in told if "ensemble" in plugins.options_of("models", name)]
        names = neural if models == "all neural models" else re.findall(r"`(\w+)`", models)
        values = yaml.safe_load("\n".join(re.findall(r"`(\w+: [^`]+)`", options)))
        for name in names:
            told[name] |= values
    for name, options in told.items():
        known = plugins.options_of("models", name)
        assert options == {k: list(v) if isinstance(v, tuple) else v for k, v in known.items()}, name


def test_the_example_of_a_new_model_runs(data: Data):
    code = PAGE.split("```python\n")[1].split("```")[0]
    names = "from dataclasses import dataclass\nimport numpy as np\nfrom perturbkg.models import Model\n"
    names += "from perturbkg.data import Data, Pairs, Signatures\n"
    scope: dict[str, object] = {"__name__": "perturbkg.models.median"}
    exec(names + code, scope)
    model = scope["MedianPerCell"]()
    delta = np.array([[1, 0, 0, 0], [2, 0, 0, 0], [9, 0, 0, 0]], np.float32)
    train = Signatures(np.arange(3), np.zeros(3, np.int64), delta)
    assert model.fit(data, train, train) == []
    assert model.predict(data, Pairs(np.array([4]), np.array([1]))).tolist() == [[2, 0, 0, 0]]
