import warnings

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.signatures import _gctx
from perturbkg.signatures._gctx import read_profiles

with warnings.catch_warnings():
    # cmapPy 4.0.1 has docstrings with invalid escape sequences.
    warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)
    from cmapPy.pandasGEXpress.parse import parse

COLUMNS = [f"SIG{i}" for i in range(37)]


def one_line(caught, path, *parts):
    assert "\n" not in str(caught.value)
    for part in (str(path), *parts):
        assert part in str(caught.value)


def test_values_and_orientation_are_those_of_cmappy(write, genes):
    path, _ = write()
    peer = parse(str(path)).data_df  # genes x signatures
    wanted = ["SIG20", "SIG3", "SIG36", "SIG4"]
    found = read_profiles(path, wanted, genes)
    np.testing.assert_array_equal(found, peer.loc[genes.entrez, wanted].to_numpy().T)
    assert found.dtype == np.float32


@given(
    wanted=st.lists(st.integers(0, 36), min_size=1, max_size=37, unique=True),
    chunks=st.sampled_from([(1, 980), (4, 978), (5, 100), (37, 980), None]),
    block=st.sampled_from([1, 10_000, 50_000, 10**9]),
)
@settings(max_examples=40, deadline=None)
def test_any_rows_any_chunks_any_block(tmp_path_factory, wanted, chunks, block):
    path = tmp_path_factory.mktemp("gctx") / "x.gctx"
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(37, 980)).astype(np.float32)
    entrez = [str(i) for i in range(980)]
    with h5py.File(path, "w") as file:
        file.create_dataset("0/DATA/0/matrix", data=matrix, chunks=chunks)
        file["0/META/COL/id"] = np.array(COLUMNS, "S")
        file["0/META/ROW/id"] = np.array(entrez, "S")
    landmarks = _gctx.Genes(entrez[2:][::-1], entrez[2:][::-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_gctx, "BLOCK_BYTES", block)
        found = read_profiles(path, [COLUMNS[i] for i in wanted], landmarks)
    np.testing.assert_array_equal(found, matrix[wanted][:, :1:-1])


def test_a_block_stays_below_its_bound_and_skips_unwanted_chunks(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        matrix = file.create_dataset("m", (1000, 10), "f4", chunks=(10, 10))
        wanted = np.array([0, 5, 9, 10, 50, 51, 999])
        parts = [wanted[part].tolist() for part in _gctx._blocks(wanted, matrix)]
        assert parts == [[0, 5, 9, 10], [50, 51], [999]]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_gctx, "BLOCK_BYTES", 20 * 10 * 4)
            every = np.arange(1000)
            sizes = [part.stop - part.start for part in _gctx._blocks(every, matrix)]
        assert sizes == [20] * 50


@pytest.mark.parametrize("kind", ["S64", "str", "int"])
def test_ids_of_any_kind(write, genes, kind):
    path, matrix = write(kind=kind)
    np.testing.assert_array_equal(read_profiles(path, ["SIG1"], genes)[0], matrix[1, 977::-1])


def test_an_absent_signature_is_named(write, genes):
    path, _ = write()
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1", "SIG99", "SIG98"], genes)
    one_line(caught, path, "lacks 2 of 3 signatures of the signature table; first SIG99, SIG98")


def test_another_gene_set_is_an_error(write, genes):
    path, _ = write(rows=[*genes.entrez[1:], "1", "2", "3"])
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "lacks 1 of 978 landmark genes: the gene set is another than the 978; first 9900")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(write, genes, value):
    _, matrix = write()
    matrix[7, 975] = value  # column 975 is the gene with index 2, for the file holds the genes in reverse
    path, _ = write(matrix)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1", "SIG7"], genes)
    one_line(caught, path, "signature 'SIG7', gene 9902 (G9902): value", str(value))
    # A signature that nobody asked for, or a gene that is no landmark, does no harm.
    read_profiles(path, ["SIG1", "SIG8"], genes)


@pytest.mark.parametrize("side", ["COL", "ROW"])
def test_ids_that_repeat_are_named(write, genes, side):
    path, _ = write()
    with h5py.File(path, "a") as file:
        ids = file[f"0/META/{side}/id"]
        ids[5] = ids[2]
        name = ids[2].decode()
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, f"/0/META/{side}/id: {name!r} stands more than once")


def test_a_transposed_file_is_told(write, genes):
    rows = genes.entrez
    path, _ = write(np.zeros((978, 37), np.float32), columns=rows, rows=COLUMNS, chunks=None)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "transposed")
    path, _ = write(np.zeros((978, 37), np.float32), columns=COLUMNS, rows=rows, chunks=None)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "the matrix is 978 x 37, the ids are of 37 signatures")


def test_a_truncated_damaged_or_other_file_is_one_line(write, genes, tmp_path):
    path, _ = write()
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"sig_id\tpert_id\n"):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_profiles(path, ["SIG1"], genes)
        one_line(caught, path, "truncated, damaged or no HDF5 file")
    with h5py.File(path, "w") as file:
        file["matrix"] = np.zeros(3)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "not a GCTX file")


def test_a_damaged_chunk_is_one_line(tmp_path, genes):
    path = tmp_path / "x.gctx"
    with h5py.File(path, "w") as file:
        matrix = file.create_dataset(
            "0/DATA/0/matrix", data=np.ones((8, 978), np.float32), chunks=(8, 978), compression="gzip"
        )
        where = matrix.id.get_chunk_info(0)
        file["0/META/COL/id"] = np.array(COLUMNS[:8], "S")
        file["0/META/ROW/id"] = np.array(genes.entrez, "S")
    content = bytearray(path.read_bytes())
    content[where.byte_offset : where.byte_offset + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "truncated, damaged or no HDF5 file")
