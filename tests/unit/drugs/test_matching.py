import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.drugs.matching import Drug, Match, Node, match, normalise


def drug(parent="P", xref=(), names=(), name="d"):
    return Drug(name, parent, tuple(xref), tuple(names))


def node(source_id, name, parent=None):
    return Node(f"drug:DrugBank:{source_id}", source_id, name, parent)


def one(drug, *nodes):
    (found,) = match([drug], nodes)
    return found.kg_node and found.kg_node.removeprefix("drug:DrugBank:"), found.match


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("AT-9283", "at9283"),
        ("at 9283", "at9283"),
        ("(+)-Catechin", "catechin"),
        ("β-Estradiol", "βestradiol"),
        ("H-89", ""),  # too short to be told from chance
        ("12345", ""),
        ("", ""),
    ],
)
def test_normalise(name, short):
    assert normalise(name) == short


def test_ways_in_their_order():
    same, other = node("DB1", "Unalike", "P"), node("DB2", "Alike")
    assert one(drug(), same, other) == ("DB1", "inchikey")
    assert one(drug(xref=["DB2"]), node("DB2", "Alike")) == ("DB2", "xref")
    assert one(drug("Q", names=["x", "a-like"]), same, other) == ("DB2", "name")
    assert one(drug("Q", ["DB9"], ["nothing"]), same, other) == (None, "none")


def test_all_ways_agree_is_recorded_as_the_first():
    assert one(drug("P", ["DB1"], ["Alike"]), node("DB1", "Alike", "P")) == ("DB1", "inchikey")


def test_several_nodes_of_a_parent_are_told_apart_by_the_next_way():
    salt, base = node("DB1", "Drug sodium", "P"), node("DB2", "Drug", "P")
    assert one(drug(), salt, base) == (None, "none")
    assert one(drug(xref=["DB1"]), salt, base) == ("DB1", "inchikey")
    assert one(drug(names=["drug"]), salt, base) == ("DB2", "inchikey")
    (found,) = match([drug()], [salt, base])
    assert found.reason == "ambiguous: fits drug:DrugBank:DB1, drug:DrugBank:DB2"


def test_an_epimer_with_a_node_of_its_own_is_not_taken_for_the_other():
    # The structure of dexamethasone's node is not known; betamethasone's is, and has the same skeleton.
    betamethasone, dexamethasone = node("DB00443", "Betamethasone", "P"), node("DB01234", "Dexamethasone")
    asked = drug("P", ["DB01234"], ["dexamethasone"])
    assert one(asked, betamethasone, dexamethasone) == ("DB01234", "xref")
    assert one(drug("P", ["DB01234"]), betamethasone, dexamethasone) == (None, "none")


def test_a_name_that_different_molecules_bear_finds_nothing():
    bucladesine = node("DB1", "Bucladesine")
    twins = [drug("P", names=["bucladesine"]), drug("Q", names=["bucladesine"])]
    for found in match(twins, [bucladesine]):
        assert found == Match(None, "none", "ambiguous: other molecules have the name of drug:DrugBank:DB1")
    # Stereo isomers and salts have one parent: they are no contradiction.
    assert [each.match for each in match([twins[0], twins[0]], [bucladesine])] == ["name", "name"]
    # A cross-reference is a statement about this very compound.
    assert [each.match for each in match([drug("P", ["DB1"], ["bucladesine"]), twins[1]], [bucladesine])] == [
        "xref",
        "none",
    ]


def test_a_name_does_not_stand_against_a_known_structure():
    assert one(drug("P", names=["Aspirin"]), node("DB1", "Aspirin", "Q")) == (None, "none")


def test_one_name_on_two_nodes_is_ambiguous():
    assert one(drug(names=["AT-9283"]), node("DB1", "AT9283"), node("DB2", "at-9283")) == (None, "none")


names = st.sampled_from(["alpha", "beta", "gamma", "delta"])
parents = st.sampled_from(["P", "Q", "R"])
drugs = st.lists(
    st.builds(
        Drug,
        names,
        parents,
        st.lists(st.sampled_from(["1", "2", "3"]), max_size=2).map(tuple),
        st.tuples(names),
    ),
    max_size=6,
)
nodes = st.lists(st.tuples(names, parents | st.none()), max_size=4).map(
    lambda pairs: [Node(f"n{i}", str(i), name, parent) for i, (name, parent) in enumerate(pairs)]
)


@given(drugs=drugs, nodes=nodes)
def test_a_match_has_evidence_and_does_not_depend_on_order(drugs, nodes):
    found = match(drugs, nodes)
    assert match(drugs[::-1], nodes[::-1]) == found[::-1]
    for drug, each in zip(drugs, found, strict=True):
        if each.kg_node is None:
            assert each.match == "none"
            continue
        (hit,) = [node for node in nodes if node.node == each.kg_node]
        assert each.reason is None
        assert {
            "inchikey": hit.parent == drug.parent,
            "xref": hit.source_id in drug.xref,
            "name": hit.name in drug.names,
        }[each.match]
