import gzip
import warnings

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.signatures import _gctx
from perturbkg.signatures._gctx import in_matrix, profiles, samples_of

with warnings.catch_warnings():
    # cmapPy 4.0.1 has docstrings with invalid escape sequences.
    warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)
    from cmapPy.pandasGEXpress.parse import parse

COLUMNS = [f"SIG{i}" for i in range(37)]


def one_line(caught, path, *parts):
    assert "\n" not in str(caught.value)
    for part in (str(path), *parts):
        assert part in str(caught.value)


def read_profiles(path, wanted, genes):
    """Assemble the blocks; each row must occur once."""
    blocks = list(profiles(path, wanted, genes))
    rows = np.concatenate([rows for rows, _ in blocks])
    assert sorted(rows) == list(range(len(wanted)))
    assert all(block.dtype == np.float32 for _, block in blocks)
    return np.concatenate([block for _, block in blocks])[np.argsort(rows)]


def test_values_and_orientation_agree_with_cmappy(write, genes):
    path, _ = write()
    peer = parse(str(path)).data_df  # genes x signatures
    wanted = ["SIG20", "SIG3", "SIG36", "SIG4"]
    found = read_profiles(path, wanted, genes)
    np.testing.assert_array_equal(found, peer.loc[genes.entrez, wanted].to_numpy().T)


LAYOUTS = [
    {"chunks": None},
    {"chunks": (1, 980)},
    {"chunks": (5, 100), "compression": "gzip"},
    {"chunks": (9, 256), "compression": "lzf", "shuffle": True},
    {"chunks": (37, 980), "compression": "gzip", "fletcher32": True},  # one chunk
    {"chunks": (37, 3)},  # tall and narrow
    {"chunks": (1000, 256), "maxshape": (None, None)},  # taller than the matrix
]


@given(
    wanted=st.lists(st.integers(0, 36), min_size=1, max_size=37, unique=True),
    layout=st.sampled_from(LAYOUTS),
    dtype=st.sampled_from(["<f4", "<f8", ">f4"]),
    landmarks=st.sampled_from(["first", "last", "scattered"]),
    block_rows=st.sampled_from([1, 7, 8192]),
    read_bytes=st.sampled_from([1, 10_000, 10**9]),
    cache=st.sampled_from([10**6, 10**9]),
)
@settings(max_examples=80)
def test_any_rows_layout_and_block_size(
    tmp_path_factory, *, wanted, layout, dtype, landmarks, block_rows, read_bytes, cache
):
    path = tmp_path_factory.mktemp("gctx") / "x.gctx"
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(37, 980)).astype(np.float32)
    entrez = [str(i) for i in range(980)]
    with h5py.File(path, "w") as file:
        file.create_dataset("0/DATA/0/matrix", data=matrix.astype(dtype), **layout)
        file["0/META/COL/id"] = np.array(COLUMNS, "S")
        file["0/META/ROW/id"] = np.array(entrez, "S")
    column = {"first": np.arange(5), "last": np.arange(979, 970, -1), "scattered": rng.permutation(980)[:60]}
    requested = _gctx.Genes([entrez[i] for i in column[landmarks]], [entrez[i] for i in column[landmarks]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_gctx, "BLOCK_ROWS", block_rows)
        patch.setattr(_gctx, "READ_BYTES", read_bytes)
        patch.setattr(_gctx, "CACHE_BYTES", cache)
        found = read_profiles(path, [COLUMNS[i] for i in wanted], requested)
    np.testing.assert_array_equal(found, matrix[wanted][:, column[landmarks]])


def test_only_chunks_with_a_requested_row_are_read_each_completely():
    def cut(row, height, most, **options):
        return [list(row[part]) for part in _gctx._cut(np.array(row, int), height, most, **options)]

    rows = [0, 5, 9, 10, 50, 51, 999]
    assert cut(rows, 10, 1000, skip=True) == [[0, 5, 9, 10], [50, 51], [999]]
    assert cut(rows, 10, 1000) == [rows]
    assert cut(rows, 10, 59) == [[0, 5, 9, 10], [50, 51], [999]]
    assert cut(rows, 10, 50, skip=True) == [[0, 5, 9, 10], [50, 51], [999]]
    assert cut(rows, 100, 7) == [[0, 5], [9, 10], [50, 51], [999]]
    assert cut([3, 4, 6], 1, 0) == [[3], [4], [6]]
    assert cut([], 10, 5) == []
    assert [len(part) for part in cut(range(1000), 10, 25)] == [20] * 50


def test_only_chunk_columns_with_landmark_genes_are_read():
    runs = _gctx._column_runs(np.array([900, 3, 310, 4]), 256, 980)
    assert [(columns.start, columns.stop) for columns, _, _ in runs] == [(0, 256), (256, 512), (768, 980)]
    assert [(held.tolist(), within.tolist()) for _, held, within in runs] == [
        ([1, 3], [3, 4]),
        ([2], [54]),
        ([0], [132]),
    ]


def test_unneeded_chunks_are_not_decompressed(tmp_path, genes):
    path = tmp_path / "x.gctx"
    with h5py.File(path, "w") as file:
        ones = np.ones((8, 1956), np.float32)
        matrix = file.create_dataset("0/DATA/0/matrix", data=ones, chunks=(2, 978), compression="gzip")
        chunks = [matrix.id.get_chunk_info(i) for i in range(8)]
        file["0/META/COL/id"] = np.array(COLUMNS[:8], "S")
        file["0/META/ROW/id"] = np.array([*genes.entrez, *range(978)], "S")
    content = bytearray(path.read_bytes())
    for chunk in chunks:
        if chunk.chunk_offset != (4, 0):
            content[chunk.byte_offset : chunk.byte_offset + 8] = b"\xff" * 8
    path.write_bytes(content)
    assert read_profiles(path, ["SIG5", "SIG4"], genes).all()
    with pytest.raises(InputError):
        read_profiles(path, ["SIG6"], genes)


def test_chunks_too_large_to_read_are_refused(write, genes, monkeypatch):
    path, _ = write(chunks=(37, 980), compression="gzip")
    monkeypatch.setattr(_gctx, "CACHE_BYTES", 100_000)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "in chunks of 0 MiB", "h5repack -l 0/DATA/0/matrix:CHUNK=256x980")


def test_an_unknown_compression_is_reported(write, genes):
    path, matrix = write()
    with h5py.File(path, "a") as file:
        del file["0/DATA/0/matrix"]
        file.create_dataset(
            "0/DATA/0/matrix",
            matrix.shape,
            "f4",
            chunks=(4, 978),
            compression=32999,
            allow_unknown_filter=True,
        )
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "compressed by filter 32999", "h5repack -f GZIP=4")


def test_no_requested_signatures_read_nothing(write, genes):
    assert list(profiles(write()[0], [], genes)) == []


def test_a_signature_requested_twice_is_returned_twice(write, genes):
    path, matrix = write()
    found = read_profiles(path, ["SIG3", "SIG1", "SIG3"], genes)
    np.testing.assert_array_equal(found, matrix[[3, 1, 3], 977::-1])


def test_reading_only_the_ids(write):
    assert samples_of(write()[0]).to_list() == COLUMNS


@pytest.mark.parametrize("kind", ["S64", "str", "int"])
def test_ids_of_any_kind(write, genes, kind):
    path, matrix = write(kind=kind)
    np.testing.assert_array_equal(read_profiles(path, ["SIG1"], genes)[0], matrix[1, 977::-1])


def test_an_absent_signature_is_named(write, genes):
    path, _ = write()
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1", "SIG99", "SIG98"], genes)
    one_line(caught, path, "lacks 2 of 3 signatures of the signature table; first SIG99, SIG98")
    one_line(caught, path, "the matrix is a subset: leave them out of siginfo")


def test_a_subset_reports_which_signatures_it_holds(write):
    path, _ = write()
    assert in_matrix(path, pl.Series(["SIG99", "SIG1", "SIG36"])).to_list() == [False, True, True]
    assert in_matrix(path, pl.Series([], dtype=pl.String)).to_list() == []


def test_a_matrix_of_other_signatures_is_an_error(write, genes):
    path, _ = write()
    with pytest.raises(InputError) as caught:
        in_matrix(path, pl.Series(["X1", "X2", "X3", "X4"]))
    one_line(
        caught, path, "none of the 4 selected signatures of siginfo (X1, X2, X3, ...)", "37 others (SIG0"
    )
    path, _ = write(np.zeros((978, 37), np.float32), columns=genes.entrez, rows=COLUMNS, chunks=None)
    with pytest.raises(InputError) as caught:
        in_matrix(path, pl.Series(["SIG1"]))
    one_line(caught, path, "transposed: /0/META/ROW holds signatures")


def test_another_gene_set_is_an_error(write, genes):
    path, _ = write(rows=[*genes.entrez[1:], "1", "2", "3"])
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "lacks 1 of 978 landmark genes: the gene set is another than the 978; first 9900")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(write, genes, value):
    _, matrix = write()
    matrix[7, 975] = value  # column 975 is the gene with index 2, since the file has the genes in reverse
    path, _ = write(matrix)
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1", "SIG7"], genes)
    one_line(caught, path, "signature 'SIG7', gene 9902 (G9902): value", str(value))
    # A signature that is not selected, or a gene that is not a landmark, does not matter.
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
    one_line(caught, path, f"/0/META/{side}/id: {name!r} occurs more than once")


def test_a_transposed_file_is_reported(write, genes):
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
    one_line(caught, path, "not a GCTX file: there is no data set /0/DATA/0/matrix")


def test_a_gzipped_file_is_an_error_with_the_remedy(write, genes):
    path, _ = write()
    path.write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
    with pytest.raises(InputError) as caught:
        read_profiles(path, ["SIG1"], genes)
    one_line(caught, path, "gunzip --keep")


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
