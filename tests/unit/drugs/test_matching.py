import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.drugs.matching import Drug, Match, Node, match, normalise
from perturbkg.drugs.standardise import Parent, standardise

# Structures with different skeletons.
PARENTS = {
    key: Parent("C", key, "", f"{key}-UHFFFAOYSA-N", f"{key}-UHFFFAOYSA-N", frozenset()) for key in "PQR"
}


def known(structure):
    """Return the parent of a SMILES, or of the structure with this letter."""
    return PARENTS.get(structure) or standardise(structure)


def drug(structure="P", xref=(), names=(), name="d"):
    return Drug(name, known(structure), tuple(xref), tuple(names))


def node(source_id, name, structure=None):
    return Node(f"drug:DrugBank:{source_id}", source_id, name, structure and known(structure))


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
        ("H-89", ""),  # too short to be significant
        ("12345", ""),
        ("", ""),
    ],
)
def test_normalise(name, short):
    assert normalise(name) == short


def test_the_ways_of_matching_have_an_order():
    same, other = node("DB1", "Unalike", "P"), node("DB2", "Alike")
    assert one(drug(), same, other) == ("DB1", "inchikey")
    assert one(drug(xref=["DB2"]), node("DB2", "Alike")) == ("DB2", "xref")
    assert one(drug("Q", names=["x", "a-like"]), same, other) == ("DB2", "name")
    assert one(drug("Q", ["DB9"], ["nothing"]), same, other) == (None, "none")


def test_if_all_ways_agree_the_first_is_recorded():
    assert one(drug("P", ["DB1"], ["Alike"]), node("DB1", "Alike", "P")) == ("DB1", "inchikey")


def test_several_nodes_of_a_parent_are_distinguished_by_the_next_way():
    salt, base = node("DB1", "Drug sodium", "P"), node("DB2", "Drug", "P")
    assert one(drug(), salt, base) == (None, "none")
    assert one(drug(xref=["DB1"]), salt, base) == ("DB1", "inchikey")
    assert one(drug(names=["drug"]), salt, base) == ("DB2", "inchikey")
    (found,) = match([drug()], [salt, base])
    assert found.reason == "ambiguous: fits drug:DrugBank:DB1, drug:DrugBank:DB2"


def test_an_epimer_with_its_own_node_is_not_matched_to_the_other():
    # The structure of dexamethasone's node is not known; betamethasone's is, and has the same skeleton.
    betamethasone, dexamethasone = node("DB00443", "Betamethasone", "P"), node("DB01234", "Dexamethasone")
    requested = drug("P", ["DB01234"], ["dexamethasone"])
    assert one(requested, betamethasone, dexamethasone) == ("DB01234", "xref")
    assert one(drug("P", ["DB01234"]), betamethasone, dexamethasone) == (None, "none")


def test_a_name_of_different_molecules_matches_nothing():
    bucladesine = node("DB1", "Bucladesine")
    twins = [drug("P", names=["bucladesine"]), drug("Q", names=["bucladesine"])]
    for found in match(twins, [bucladesine]):
        reason = "ambiguous: other molecules have the name of drug:DrugBank:DB1"
        assert found == Match(None, "none", 1, reason)
    # Stereoisomers and salts have one parent, so they do not contradict each other.
    assert [each.match for each in match([twins[0], twins[0]], [bucladesine])] == ["name", "name"]
    # A cross-reference refers to exactly this compound.
    assert [each.match for each in match([drug("P", ["DB1"], ["bucladesine"]), twins[1]], [bucladesine])] == [
        "xref",
        "none",
    ]


def test_a_name_does_not_override_a_known_structure():
    assert one(drug("P", names=["Aspirin"]), node("DB1", "Aspirin", "Q")) == (None, "none")


def test_a_cross_reference_alone_does_not_override_another_skeleton():
    ixazomib = node("DB09570", "Ixazomib", "Q")
    (found,) = match([drug("P", ["DB09570"], ["CS-1657"])], [ixazomib])
    assert found == Match(None, "none", 1, "ambiguous: the structure of drug:DrugBank:DB09570 is another")
    assert one(drug("P", ["DB09570"], ["ixazomib"]), ixazomib) == ("DB09570", "xref")


def test_no_match_is_reported_with_its_reason():
    (found,) = match([drug()], [node("DB1", "Aspirin", "Q")])
    assert found == Match(None, "none", 0, "no node has its structure, cross-reference or name")


QUINIDINE = "C=C[C@H]1CN2CC[C@H]1C[C@@H]2[C@@H](O)c1ccnc2ccc(OC)cc12"
QUININE = "C=C[C@H]1CN2CC[C@H]1C[C@@H]2[C@H](O)c1ccnc2ccc(OC)cc12"
VAGUE = "C=CC1CN2CCC1CC2C(O)c1ccnc2ccc(OC)cc12"


def test_a_stereoisomer_is_not_found_by_its_structure_alone():
    quinine = node("DB00468", "Quinine", QUININE)
    assert one(drug(QUININE), quinine) == ("DB00468", "inchikey")
    assert one(drug(VAGUE), quinine) == ("DB00468", "inchikey")
    assert one(drug(QUINIDINE), quinine) == (None, "none")
    # Stereochemistry is often wrong in tables.
    assert one(drug(QUINIDINE, ["DB00468"]), quinine) == ("DB00468", "xref")
    assert one(drug(QUINIDINE, names=["quinine"]), quinine) == ("DB00468", "name")
    both = [quinine, node("DB00908", "Quinidine", QUINIDINE)]
    assert one(drug(QUINIDINE), *both) == ("DB00908", "inchikey")
    assert one(drug(VAGUE), *both) == (None, "none")
    assert one(drug(VAGUE), *both, node("DB9", "Mixture", VAGUE)) == ("DB9", "inchikey")


def test_a_base_and_its_salts_are_matched_as_given():
    base, salt = node("DB1", "Drug", "CCCNC"), node("DB2", "Drug hydrochloride", "CCCNC.Cl")
    assert one(drug("CCCNC.Cl"), base, salt) == ("DB2", "inchikey")
    assert one(drug("CCCNC"), base, salt) == ("DB1", "inchikey")
    assert one(drug("CCCNC.Br"), base, salt) == (None, "none")
    assert one(drug("CCCNC.Br"), base) == ("DB1", "inchikey")


def test_ions_differ_from_their_metal_and_not_every_metal_is_a_counter_ion():
    copper, ion = node("DB09130", "Copper", "[Cu]"), node("DB14552", "Cupric ion", "[Cu+2]")
    assert one(drug("[Cu+2]"), copper, ion) == ("DB14552", "inchikey")
    assert one(drug("[Cu+2].[Cl-].[Cl-]", names=["copper chloride"]), copper, ion) == (None, "none")
    citrate = "OC(CC([O-])=O)(CC([O-])=O)C([O-])=O"
    acid = node("DB04272", "Citric acid", "OC(CC(O)=O)(CC(O)=O)C(O)=O")
    assert one(drug(f"[Na+].[Na+].[Na+].{citrate}"), acid) == ("DB04272", "inchikey")
    assert one(drug(f"[Li+].[Li+].[Li+].{citrate}"), acid) == (None, "none")


def test_names_with_commas_and_quotes():
    cortisone = node("DB1", "(11alpha,14beta)-11,17,21-trihydroxypregn-4-ene-3,20-dione")
    quoted = node("DB2", '2\'-Deoxycytidine "dC"')
    names = ["11-alpha, 14-beta-11,17,21-TRIHYDROXYPREGN-4-ENE-3,20-DIONE"]
    assert one(drug(names=names), cortisone, quoted) == ("DB1", "name")
    assert one(drug(names=["2-deoxycytidine dC"]), cortisone, quoted) == ("DB2", "name")


def test_one_name_on_two_nodes_is_ambiguous():
    assert one(drug(names=["AT-9283"]), node("DB1", "AT9283"), node("DB2", "at-9283")) == (None, "none")


names = st.sampled_from(["alpha", "beta", "gamma", "delta"])
parents = st.sampled_from(list(PARENTS.values()))
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
            assert each.match == "none" and each.reason
            continue
        (hit,) = [node for node in nodes if node.node == each.kg_node]
        assert each.reason is None and each.candidates
        if each.match != "inchikey" and hit.parent and hit.parent != drug.parent:
            assert hit.source_id in drug.xref and hit.name in drug.names
        assert {
            "inchikey": hit.parent == drug.parent,
            "xref": hit.source_id in drug.xref,
            "name": hit.name in drug.names,
        }[each.match]
