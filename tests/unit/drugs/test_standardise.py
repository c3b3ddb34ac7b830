import logging
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from perturbkg.drugs import standardise as module
from perturbkg.drugs.standardise import Parent, alike, standardise, standardise_all

# smiles, canonical SMILES of the parent, first block of its InChIKey (PubChem), scaffold
EXAMPLES = {
    "aspirin": ("O=C(C)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(=O)O", "BSYNRYMUTXBXSQ", "c1ccccc1"),
    "sodium salt": ("[Na+].CC([O-])=O", "CC(=O)O", "QTBSBXVTEAMEQO", ""),
    "salt written as a bond": ("[Na]OC(C)=O", "CC(=O)O", "QTBSBXVTEAMEQO", ""),
    "hydrochloride": (
        "CC(C)NCC(O)COc1cccc2ccccc12.Cl",
        "CC(C)NCC(O)COc1cccc2ccccc12",
        "AQHHHDLHHXJYJD",
        None,
    ),
    "charged": ("C[NH2+]C", "CNC", "ROSDSFDQCJNGOL", ""),
    "zwitterion": ("[NH3+]CC([O-])=O", "NCC(=O)O", "DHMQDGOQFOQNFH", ""),
    "permanent charge": ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO", "OEYIOHPDSNJKLS", ""),
    "solvate": ("CCO.CN1C=NC2=C1C(=O)N(C)C(=O)N2C", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "RYYVLZVUVIJVGH", None),
    "tautomer": ("Oc1ccccn1", "O=c1cccc[nH]1", "UBQKCCHYAOITMY", "O=c1cccc[nH]1"),
    "cisplatin": ("[NH3+][Pt-2]([NH3+])(Cl)Cl", None, "LXZZYRPGZAFOLE", ""),
    "lithium chloride": ("[Li+].[Cl-]", "[Cl-].[Li+]", "KWGKDLIKAYFUFQ", ""),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_known_parents(name):
    smiles, parent, key, scaffold = EXAMPLES[name]
    found = standardise(smiles)
    assert found.key == key
    if parent is not None:
        assert found.smiles == parent
    if scaffold is not None:
        assert found.scaffold == scaffold


# Complexes, as drawn in most tables and with dative bonds
COMPLEXES = {
    "transplatin with sigma bonds": ("N[Pt](Cl)(N)Cl", "[NH3]->[Pt](Cl)(<-[NH3])Cl"),
    "four bonds at nitrogen": ("N[Pd](N)(Cl)Cl", "[NH3][Pd]([NH3])(Cl)Cl"),
    "ziram": ("CN(C)C(=S)S[Zn]SC(=S)N(C)C", "CN(C)C1=[S]->[Zn]2(<-[S]=C(N(C)C)S2)S1"),
    "aromatic donor": ("Cl[Zn-2]1(Cl)[n+]2ccccc2-c2cccc[n+]21", "Cl[Zn]1(Cl)<-n2ccccc2-c2cccc[n]->12"),
    "chelate": ("C1CN[Pt]2(N1)OC(=O)CO2", "C1C[NH2]->[Pt]2(<-[NH2]1)OC(=O)CO2"),
    "phosphine": ("CP(C)(C)=[Au]Cl", "CP(C)(C)->[Au]Cl"),
    "phosphine with a sigma bond": ("CP(C)(C)[Au]Cl", "CP(C)(C)->[Au]Cl"),
    "borane": ("CC[NH2+][BH3-]", "CC[NH2]->[BH3]"),
}


@pytest.mark.parametrize("name", COMPLEXES)
def test_dative_bonds_do_not_change_a_complex(name):
    plain, dative = map(standardise, COMPLEXES[name])
    assert plain.key == dative.key
    assert plain.form.split("-")[0] == dative.form.split("-")[0]
    assert Chem.MolFromSmiles(dative.smiles) is not None


# Without charges each of these is, or might be, a radical or an atom with a valence no SMILES reader accepts.
CHARGED = {
    "hexafluorophosphate": ("[Na+].F[P-](F)(F)(F)(F)F", "F[P-](F)(F)(F)(F)F.[Na+]"),
    "hexafluoroantimonate": ("F[Sb-](F)(F)(F)(F)F", None),
    "cyclopentadienide of ferrocene": ("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "c1cc[cH-]c1"),
    "tetraphenylborate": ("[B-](c1ccccc1)(c1ccccc1)(c1ccccc1)c1ccccc1", None),
    "silicate": ("[Mg+2].[O-][Si]([O-])=O", "O=[Si]([O-])[O-].[Mg+2]"),
    "orthosilicate": ("[O-][Si]([O-])([O-])[O-]", "O[Si](O)(O)O"),
    "hexafluorosilicate": ("F[Si-2](F)(F)(F)(F)F", None),
    "squarate, a dianion": ("O=C1C(=O)C([O-])=C1[O-].[K+].[K+]", "O=c1c(O)c(O)c1=O"),
    "cyanamide, a dianion": ("[N-]=C=[N-]", None),
    "mercury": ("C[Hg]C", None),
    "gold": ("CP(C)(C)->[Au]Cl", None),
    "osmium tetroxide": ("O=[Os](=O)(=O)=O", None),
}


@pytest.mark.parametrize("name", CHARGED)
def test_a_parent_can_be_read_back(name):
    smiles, expected = CHARGED[name]
    parent = standardise(smiles)
    back = Chem.MolFromSmiles(parent.smiles)
    assert Chem.MolToInchiKey(back) == parent.inchikey
    assert standardise(parent.smiles).key == parent.key
    if expected is not None:
        assert parent.smiles == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O=c1cccc[nH]1", "Oc1ccccn1"),  # pyridone and hydroxypyridine
        ("Cc1c[nH]cn1", "Cc1cnc[nH]1"),  # 4- and 5-methylimidazole
        ("CC(=O)CC(C)=O", "CC(O)=CC(C)=O"),  # keto and enol
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O.Cl"),  # enantiomers, one as a salt
        ("CC/C=C/C", "CC/C=C\\C"),  # E and Z
        ("[2H]C([2H])([2H])O", "CO"),  # isotopes
    ],
)
def test_one_parent(one, other):
    assert standardise(one).key == standardise(other).key
    assert standardise(one).scaffold == standardise(other).scaffold


def test_isomers_that_are_not_tautomers_stay_apart():
    assert standardise("CCCO").key != standardise("CC(C)O").key


def test_stereochemistry_is_in_the_structure_but_not_in_key_and_scaffold():
    left, right = standardise("C[C@H]1CCCN1"), standardise("C[C@@H]1CCCN1")
    assert left.smiles != right.smiles
    assert (left.key, left.scaffold) == (right.key, right.scaffold)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "empty SMILES"),
        ("  ", "empty SMILES"),
        ("c1ccc", "unparsable SMILES: the syntax is wrong"),
        ("CC(C", "unparsable SMILES: the syntax is wrong"),
        (
            "C(C)(C)(C)(C)C",
            "unparsable SMILES: Explicit valence for atom # 0 C, 5, is greater than permitted",
        ),
        ("c1cccc1", "unparsable SMILES: Can't kekulize mol"),
        ("*", "InChI cannot be computed"),
    ],
)
def test_unreadable_structures_give_the_reason_in_one_line(smiles, reason, capfd):
    with pytest.raises(ValueError, match=r"SMILES|InChI") as caught:
        standardise(smiles)
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_rdkit_still_logs_elsewhere(capfd):
    standardise("CCO")
    assert rdBase.LogStatus()
    Chem.MolFromSmiles("c1ccc")
    os.sync()
    assert "c1ccc" in capfd.readouterr().err


MOLECULES = [
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CN1CCC[C@H]1c1cccnc1",
    "Nc1nc(=O)c2ncn(COCCO)c2[nH]1",
    "CC(=O)Nc1nnc(s1)S(N)(=O)=O",
    "O=C1NC(=O)C(N1)(c1ccccc1)c1ccccc1",
    "CC1=C(C(=O)c2ccccc2N1)C",
]


@given(smiles=st.sampled_from(MOLECULES), seed=st.integers(0, 2**31 - 1))
@settings(max_examples=30)
def test_the_spelling_of_a_smiles_changes_nothing(smiles, seed):
    molecule = Chem.MolFromSmiles(smiles)
    written = Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed)[0]
    assert standardise(written) == standardise(smiles)


@pytest.mark.parametrize("smiles", MOLECULES)
def test_a_parent_is_its_own_parent(smiles):
    parent = standardise(smiles)
    assert standardise(parent.smiles) == parent


def test_a_molecule_past_the_limit_of_tautomers_keeps_its_form_and_is_reported(caplog):
    tetracycline = "CN(C)[C@@H]1C(O)=C(C(N)=O)C(=O)[C@@]2(O)C(O)=C3C(=O)c4c(O)cccc4[C@@](C)(O)[C@H]3C[C@@H]12"
    with caplog.at_level(logging.INFO, "perturbkg"):
        parent = standardise(tetracycline)
    assert "more tautomers than the limit" in caplog.text
    assert parent.key == "OFVLGDICTFRJMM"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O.Cl", True),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O", True),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", False),
        ("CC/C=C/C", "CC/C=C\\C", False),
        ("CC/C=C/C", "CCC=CC", True),
        ("[2H]C([2H])([2H])O", "CO", True),
        ("CCO", "CCCO", False),
        ("[Na+].CC([O-])=O", "CC(=O)O", True),
        ("[Li+].CC([O-])=O", "CC(=O)O", False),
    ],
)
def test_alike(one, other, expected):
    first, second = standardise(one), standardise(other)
    assert alike(first, second) == alike(second, first) == expected


def test_a_parent_records_the_given_structure():
    salt = standardise("[Li+].C[C@H](N)C(=O)[O-]")
    assert salt.metals == {"Li"}
    assert salt.inchikey == standardise("C[C@H](N)C(=O)O").inchikey
    assert salt.form != salt.inchikey
    assert standardise("CCO").form == standardise("CCO").inchikey
    assert standardise("[NH3+][Pt-2]([NH3+])(Cl)Cl").metals == set()


def test_results_are_the_same_in_one_process_or_two(monkeypatch):
    monkeypatch.setattr(module, "MOLECULES_AT_ONCE", 3)
    molecules = [smiles for smiles, *_ in EXAMPLES.values()]
    requested = [*molecules, "", "c1ccc", *molecules]
    alone = standardise_all(requested)
    assert list(alone) == [*molecules, "", "c1ccc"]
    assert alone[""] == "empty SMILES"
    assert alone["c1ccc"].startswith("unparsable SMILES")
    assert all(isinstance(alone[smiles], Parent) for smiles in molecules)
    assert list(standardise_all(requested, threads=2).items()) == list(alone.items())
    assert standardise_all([]) == {}
