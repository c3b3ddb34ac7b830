"""Options: ranges, types, constraints between them, and their documentation."""

import pytest

from perturbkg.errors import InputError
from perturbkg.simulation.options import SimulationOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kg_signal": 1.5}, "simulation.kg_signal: must be a number in [0, 1], got 1.5"),
        ({"kg_signal": "high"}, "simulation.kg_signal: must be a number in [0, 1], got 'high'"),
        ({"kg_signal": float("nan")}, "simulation.kg_signal: must be a number in [0, 1], got nan"),
        ({"drugs": 24.0}, "simulation.drugs: must be an integer in [12, 20000], got 24.0"),
        ({"cells": True}, "simulation.cells: must be an integer in [2, 200], got True"),
        ({"planted_pathways": 25}, "simulation.pathways: must be at least 25 (planted_pathways), got 24"),
        ({"drugs": 39}, "simulation.drugs: must be at least 40 (scaffolds), got 39"),
        (
            {"genes": 1050, "targets_per_pathway": 2, "inferred_genes": 73},
            "simulation.genes: must be at least 1051",
        ),
        (
            {"drug": 160},
            "simulation: unknown option 'drug' (did you mean 'drugs'?); known are kg_signal, drugs, ",
        ),
    ],
)
def test_bad_options_are_one_line_that_names_the_key(values: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        SimulationOptions.of(values)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_an_integer_is_accepted_for_a_number() -> None:
    assert SimulationOptions.of({"kg_signal": 1}).kg_signal == 1
