import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.signatures._join import join_selection, require_enough

SELECTION = pl.DataFrame(
    {
        "signature": ["s3", "s1", "s2", "s4"],
        "drug": ["d1", "d2", "d1", "d2"],
        "cell": ["c1", "c1", "c2", "c2"],
        "dose_um": [10.0] * 4,
        "time_h": [24.0] * 4,
        "replicates": [3] * 4,
        "tas": [0.5] * 4,
        "replicate_correlation": [0.5] * 4,
    }
)


def join(drugs, cells, minimum=1):
    return join_selection(SELECTION, pl.DataFrame({"drug": drugs}), pl.DataFrame({"cell": cells}), minimum)


def test_removed_signatures_are_counted_and_listed():
    joined = join(["d1"], ["c1", "c3"])
    assert joined.selection["signature"].to_list() == ["s3"]
    assert joined.counts.select("reason", "count").rows() == [
        ("read", 4),
        ("drug without a usable structure", 2),
        ("cell line without a baseline", 1),
        ("kept", 1),
    ]
    assert joined.exclusions.select("item", "reason").rows() == [
        ("s1", "drug without a usable structure: d2"),
        ("s4", "drug without a usable structure: d2"),
        ("s2", "cell line without a baseline: c2"),
    ]
    schemas.check(joined.exclusions, schemas.Exclusions, "test")


def test_signatures_are_sorted():
    assert join(["d1", "d2"], ["c1", "c2"]).selection["signature"].to_list() == ["s1", "s2", "s3", "s4"]


def test_too_few_signatures_are_one_line_with_the_remedy():
    with pytest.raises(InputError) as caught:
        join(["d1"], ["c1"], minimum=2)
    assert str(caught.value) == (
        "signatures: 1 of 4 are left (2 drug without a usable structure, 1 cell line without a baseline), "
        "fewer than minimum_signatures = 2; loosen the filters or lower minimum_signatures"
    )


def test_too_few_after_merging_are_one_line_with_the_remedy():
    require_enough(SELECTION[:2], SELECTION, SELECTION[:3], 2)
    with pytest.raises(InputError) as caught:
        require_enough(SELECTION[:2], SELECTION, SELECTION[:3], 3)
    assert str(caught.value) == (
        "signatures: 2 of 4 are left (1 without a profile, 1 merged into another), fewer than "
        "minimum_signatures = 3; loosen the filters, lower minimum_signatures or set merge_signatures: none"
    )
