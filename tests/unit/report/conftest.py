"""Fabricated results, and the report that the workflow's scripts make from them."""

import pytest
from fabricated import fabricate
from reports import make_tables


@pytest.fixture(scope="session")
def raw_results(tmp_path_factory):
    """Fabricate results once: 2 splits, 2 folds, 5 models, 3 ablations of gat, nulls among the scores."""
    return fabricate(tmp_path_factory.mktemp("raw_results"))


@pytest.fixture(scope="session")
def tables(raw_results, tmp_path_factory):
    """Make the tables of the fabricated results once."""
    return make_tables(raw_results, tmp_path_factory.mktemp("tables"))
