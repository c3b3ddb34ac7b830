"""The contract of every ablation."""

import copy
import json

import numpy as np
import pytest

from perturbkg import plugins
from perturbkg.ablations import Ablation

pytestmark = pytest.mark.parametrize("name", plugins.names("ablations"))


def arrays(data):
    """Name every array of the data."""
    graph = data.graph
    found = {key: getattr(graph, key) for key in ("src", "dst", "relation", "node_type")}
    for key in ("drug_node", "cell_node", "gene_node", "fingerprints", "baseline"):
        found[key] = getattr(data, key)
    found["targets"] = data.targets.toarray()
    for node_type, features in data.features.items():
        found |= {f"{node_type} matrix": features.matrix, f"{node_type} encoded": features.encoded}
    return found


def same(one, other):
    """Return whether two data are equal to the bit."""
    one, other = arrays(one), arrays(other)
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_class(name):
    cls = plugins.load("ablations", name)
    assert issubclass(cls, Ablation)


def test_the_input_is_not_changed(name, data):
    before = copy.deepcopy(data)
    plugins.create("ablations", name).apply(data, np.random.default_rng(0))
    assert same(before, data)


def test_only_none_changes_nothing(name, data):
    ablated = plugins.create("ablations", name).apply(data, np.random.default_rng(0)).data
    assert same(ablated, data) == (name == "none")


def test_equal_generators_give_equal_data(name, data):
    ablation = plugins.create("ablations", name)
    one, other = (ablation.apply(data, np.random.default_rng(5)) for _ in range(2))
    assert same(one.data, other.data)
    assert one.notes == other.notes


def test_notes_are_json(name, data):
    notes = plugins.create("ablations", name).apply(data, np.random.default_rng(0)).notes
    assert json.loads(json.dumps(notes, allow_nan=False)) == notes


def test_shapes_types_and_identities_are_kept(name, data):
    ablated = plugins.create("ablations", name).apply(data, np.random.default_rng(0)).data
    before, after = arrays(data), arrays(ablated)
    assert before.keys() == after.keys()
    for key, array in before.items():
        assert after[key].dtype == array.dtype
        if key not in ("src", "dst", "relation"):
            assert after[key].shape == array.shape
    for key in ("drugs", "cells", "genes"):
        assert getattr(ablated, key) == getattr(data, key)
    assert ablated.graph.types == data.graph.types
    assert ablated.graph.relations == data.graph.relations
    for features in ablated.features.values():
        assert not features.matrix[~features.encoded].any()


def test_edges_keep_the_types_of_their_ends(name, data):
    def kinds(graph):
        head, tail, relation = graph.edges()
        return set(zip(relation, graph.node_type[head], graph.node_type[tail], strict=True))

    ablated = plugins.create("ablations", name).apply(data, np.random.default_rng(0)).data
    assert kinds(ablated.graph) <= kinds(data.graph)
