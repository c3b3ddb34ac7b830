import polars as pl

from perturbkg.knowledge_graphs._vocabulary import (
    NODE_TYPES,
    OPTIMUSKG_RELATIONS,
    OPTIMUSKG_TYPES,
    OWN_TYPES,
    RELATIONS,
    outside,
    translated,
)


def test_the_vocabulary_is_primekgs():
    assert len(set(RELATIONS)) == 30
    assert list(RELATIONS) == sorted(RELATIONS)
    assert len(set(NODE_TYPES)) == 10
    assert set(OPTIMUSKG_TYPES.values()) == set(NODE_TYPES)
    assert set(OWN_TYPES.values()) == set(NODE_TYPES)


def test_optimuskg_has_a_label_for_each_of_primekgs_relations():
    assert set(RELATIONS) <= set(OPTIMUSKG_RELATIONS.values())


def test_all_labels_of_a_relation_join_the_same_types():
    ends: dict[str, set[str]] = {}
    for label, relation in OPTIMUSKG_RELATIONS.items():
        ends.setdefault(relation, set()).add(label.split(" ")[0])
    assert all(len(labels) == 1 for labels in ends.values())


def test_labels_are_translated_completely_or_by_their_first_word_or_kept():
    labels = pl.Series(["DRG-DRG PARENT", "DRG-GEN AGONIST", "NEW-NEW Odd", "DRG-GEN AGONIST", None])
    assert translated(labels, OPTIMUSKG_RELATIONS).to_list() == [
        "drug_drug_parent",
        "drug_protein",
        "new-new odd",
        "drug_protein",
        None,
    ]


def test_names_outside_the_vocabulary_are_counted_one_by_one():
    names = pl.Series("relation", ["odd", "drug_drug", "even", "odd"])
    found = outside("stage", "relations", names, RELATIONS)
    assert found.select("reason", "count").rows() == [("kept as even", 1), ("kept as odd", 2)]
