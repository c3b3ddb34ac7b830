"""Find the parents of molecules: salts, solvents and charges removed, canonical tautomer (RDKit)."""

import logging
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds import MurckoScaffold

from perturbkg.io.scripting import progress

log = logging.getLogger(__name__)

# Enumeration grows with the power of the mobile hydrogens. A limit of 200 groups the 1,139 drugs of a slice
# of LINCS into the same 1,085 parents as 1,000 does, in half the time (13 s); 100 misses two pairs.
MAX_TAUTOMERS = 200
MAX_TRANSFORMS = 200
MOLECULES_AT_ONCE = 200  # that a process is given
# ASSUME: these counter-ions have no effect. Lithium is not among them: it is what acts in lithium citrate.
INERT = {"Na", "K", "Ca", "Mg"}
TRANSITION_METALS = "Sc,Ti,V,Cr,Mn,Fe,Co,Ni,Cu,Zn,Y,Zr,Nb,Mo,Tc,Ru,Rh,Pd,Ag,Cd,Hf,Ta,W,Re,Os,Ir,Pt,Au,Hg"
NONMETALS = {"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I", "At"}


@dataclass(frozen=True)
class Parent:
    """A parent molecule."""

    smiles: str  # canonical SMILES
    key: str  # first block of its InChIKey: the skeleton, without stereochemistry and isotopes
    scaffold: str  # canonical SMILES of its Bemis-Murcko scaffold without stereochemistry, "" if acyclic
    inchikey: str  # of the parent, with stereochemistry
    form: str  # InChIKey of the molecule as it was given, salts and all
    metals: frozenset[str]  # elements that acted as counter-ions


def standardise(smiles: str) -> Parent:
    """Return the parent of a molecule; ValueError with a short reason where there is none."""
    with rdBase.BlockLogs():
        given = _redrawn(_parse(smiles))
        molecule = rdMolStandardize.Normalize(_tools().salts.Disconnect(given))
        organic = _tools().fragments.choose(molecule)
        # An inorganic drug (cisplatin, lithium chloride) is its own parent.
        if any(atom.GetAtomicNum() == 6 for atom in organic.GetAtoms()):
            molecule = organic
        molecule = _neutral(rdMolStandardize.Reionize(molecule))
        key = Chem.MolToInchiKey(molecule)
        if not key:
            raise ValueError("InChI cannot be computed")
        scaffold = MurckoScaffold.GetScaffoldForMol(molecule)
        return Parent(
            smiles=Chem.MolToSmiles(molecule),
            key=key.split("-")[0],
            scaffold=Chem.MolToSmiles(scaffold, isomericSmiles=False),
            inchikey=key,
            form=Chem.MolToInchiKey(given),
            metals=frozenset(_elements(given) - _elements(molecule) - INERT - NONMETALS),
        )


def standardise_all(molecules: Iterable[str], threads: int = 1) -> dict[str, Parent | str]:
    """Return SMILES -> parent, or the reason why it has none, of each distinct molecule."""
    distinct = list(dict.fromkeys(molecules))
    parts = [distinct[i : i + MOLECULES_AT_ONCE] for i in range(0, len(distinct), MOLECULES_AT_ONCE)]
    found: dict[str, Parent | str] = {}
    with ExitStack() as stack:
        answers: Iterable[list[Parent | str]] = map(_attempt, parts)
        if threads > 1 and len(parts) > 1:
            # RDKit holds the interpreter's lock; processes that are not forked would run the script again.
            pool = ProcessPoolExecutor(threads, multiprocessing.get_context("fork"))
            answers = stack.enter_context(pool).map(_attempt, parts)
        bar = stack.enter_context(progress(total=len(distinct), desc="molecules"))
        for part, parents in zip(parts, answers, strict=True):
            found.update(zip(part, parents, strict=True))
            bar.update(len(part))
    return found


def alike(one: Parent, other: Parent) -> bool:
    """Return whether two parents may be one drug.

    They have one skeleton and the same metals, and define no stereo centre or double bond differently.
    """
    if one.key != other.key or one.metals != other.metals:
        return False
    if one.inchikey == other.inchikey:
        return True
    first, second = Chem.MolFromSmiles(one.smiles), Chem.MolFromSmiles(other.smiles)
    # Either may be drawn more vaguely. Tautomers that met the limit can differ, which says nothing.
    return (
        first.HasSubstructMatch(second, useChirality=True)
        or second.HasSubstructMatch(first, useChirality=True)
        or not first.HasSubstructMatch(second)
    )


def _attempt(molecules: list[str]) -> list[Parent | str]:
    """Return the parent of each molecule, or the reason why it has none."""
    found: list[Parent | str] = []
    for smiles in molecules:
        try:
            found.append(standardise(smiles))
        except ValueError as error:
            found.append(str(error))
    return found


def _elements(molecule: Chem.Mol) -> set[str]:
    return {atom.GetSymbol() for atom in molecule.GetAtoms()}


@dataclass(frozen=True)
class _Tools:
    """RDKit's standardisers, which are slow to make."""

    salts: rdMolStandardize.MetalDisconnector
    fragments: rdMolStandardize.LargestFragmentChooser
    uncharger: rdMolStandardize.Uncharger
    tautomers: rdMolStandardize.TautomerEnumerator
    donor: Chem.Mol  # an amine or phosphine with a plain bond to a metal


@cache
def _tools() -> _Tools:
    """Make the standardisers once."""
    # Bonds to alkali and alkaline earth metals are salts written as bonds; the complexes of other metals
    # (carboplatin) are drugs as a whole, though RDKit's default would take them apart.
    salts = rdMolStandardize.MetalDisconnector()
    metals = "[Li,Na,K,Rb,Cs,Mg,Ca,Sr,Ba]"
    salts.SetMetalNof(Chem.MolFromSmarts(f"{metals}~[#7,#8,F]"))
    salts.SetMetalNon(Chem.MolFromSmarts(f"{metals}~[B,C,Si,P,As,Sb,S,Se,Te,Cl,Br,I,At]"))
    # ASSUME: the drug is the largest organic fragment; counter-ions and solvents are smaller or inorganic.
    fragments = rdMolStandardize.LargestFragmentChooser(preferOrganic=True)
    tautomers = rdMolStandardize.TautomerEnumerator()
    tautomers.SetMaxTautomers(MAX_TAUTOMERS)
    tautomers.SetMaxTransforms(MAX_TRANSFORMS)
    # An alpha carbon can lose its hydrogen, but alanine is still drawn as what was given.
    tautomers.SetRemoveSp3Stereo(False)
    amine = "$([NX3;+0;!H0;!$(NC=[O,S,N]);!$(N[N,O,S,P])])"
    phosphine = "$([P;+0]([#6])([#6])[#6])"
    donor = Chem.MolFromSmarts(f"[{amine},{phosphine}]-,=[{TRANSITION_METALS}]")
    return _Tools(salts, fragments, rdMolStandardize.Uncharger(), tautomers, donor)


def _parse(smiles: str) -> Chem.Mol:
    """Parse SMILES, or raise ValueError with the first problem that RDKit finds."""
    if not smiles.strip():
        raise ValueError("empty SMILES")
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raw = Chem.MolFromSmiles(smiles, sanitize=False)
        if raw is not None and _dative_bonds(raw):
            return _redrawn(raw)
        problems = Chem.DetectChemistryProblems(raw) if raw is not None else ()
        reason = problems[0].Message() if problems else "the syntax is wrong"
        raise ValueError(f"unparsable SMILES: {reason}")
    if molecule.GetNumAtoms() == 0:
        raise ValueError("no atoms")
    return molecule


def _redrawn(molecule: Chem.Mol) -> Chem.Mol:
    """Return a molecule with each bond of a donor to a metal as a plain one between charges.

    InChI has no dative bonds (donor -> acceptor). It takes bonds to metals apart, so that a complex has one
    key however its bonds are drawn, if the donors have the hydrogens that they have.
    ASSUME: an amine or phosphine that is drawn with a plain bond to a metal (N[Pt]) is a donor too, not the
    anion, as in all drugs of this kind.
    """
    redrawn = Chem.RWMol(molecule)
    donors = [(bond, bond.GetBeginAtom()) for bond in _dative_bonds(redrawn)]
    for donor, metal in redrawn.GetSubstructMatches(_tools().donor):
        donors.append((redrawn.GetBondBetweenAtoms(donor, metal), redrawn.GetAtomWithIdx(donor)))
    if not donors:
        return molecule
    for bond, donor in donors:
        if bond.GetBondType() == Chem.BondType.SINGLE and donor.GetNoImplicit():
            donor.SetNumExplicitHs(donor.GetNumExplicitHs() + 1)
        bond.SetBondType(Chem.BondType.SINGLE)
        for atom, charge in ((donor, 1), (bond.GetOtherAtom(donor), -1)):
            atom.SetFormalCharge(atom.GetFormalCharge() + charge)
    try:
        Chem.SanitizeMol(redrawn)
    except ValueError as error:
        raise ValueError(f"a dative bond (->) that cannot be drawn as a plain one: {error}") from error
    return redrawn.GetMol()


def _dative_bonds(molecule: Chem.Mol) -> list[Chem.Bond]:
    return [bond for bond in molecule.GetBonds() if bond.GetBondType() == Chem.BondType.DATIVE]


def _neutral(molecule: Chem.Mol) -> Chem.Mol:
    """Return the canonical tautomer without charges, or what comes nearest to it and can be written.

    Without its charge hexafluorophosphate has an impossible valence, and cyclopentadienide is a radical: such
    a SMILES would not be read again by any step that follows.
    """
    uncharged = _tools().uncharger.uncharge(Chem.Mol(molecule))
    for parent in (_canonical_tautomer(uncharged), uncharged):
        if _reads_back(parent):
            return parent
    return molecule


def _reads_back(molecule: Chem.Mol) -> bool:
    """Return whether the SMILES of a molecule is read as the same molecule."""
    back = Chem.MolFromSmiles(Chem.MolToSmiles(molecule))
    return back is not None and Chem.MolToInchiKey(back) == Chem.MolToInchiKey(molecule)


def _canonical_tautomer(molecule: Chem.Mol) -> Chem.Mol:
    """Return the canonical tautomer, or the molecule as it is where enumeration met its limit.

    A cut enumeration depends on the order of the atoms; InChI's own mobile hydrogens still unite most
    tautomers of such a molecule.
    """
    found = _tools().tautomers.Enumerate(molecule)
    if found.status == rdMolStandardize.TautomerEnumeratorStatus.Completed:
        return _tools().tautomers.PickCanonical(found)
    log.info("%s: more tautomers than the limit; kept as given", Chem.MolToSmiles(molecule))
    return molecule
