"""The example of docs/models.md runs."""

from pathlib import Path

import numpy as np

from perturbkg.data import Data, Pairs, Signatures

PAGE = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")


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
