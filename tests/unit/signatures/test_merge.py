import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.scratch import Scratch
from perturbkg.signatures import _merge
from perturbkg.signatures._merge import plan_merging

DRUGS = pl.DataFrame(
    {
        "drug": ["salt", "base", "other"],
        "parent": ["P", "P", "Q"],
        "kg_node": [None, None, None],
        "targets": [[], [], ["TP53"]],
    },
    schema_overrides={"kg_node": pl.String, "targets": pl.List(pl.String)},
)


def selection(*rows):
    """Make a Selection; each row lists what differs from a default signature."""
    usual = {
        "drug": "salt",
        "cell": "A375",
        "dose_um": 10.0,
        "nearest_dose_um": None,
        "time_h": 24.0,
        "replicates": 3,
        "tas": 0.5,
        "replicate_correlation": 0.4,
        "merged": 1,
    }
    rows = [{"signature": f"s{i}", **usual, **row} for i, row in enumerate(rows, start=1)]
    columns = {"replicates": pl.Int64, "merged": pl.Int64, "signature": pl.String, "drug": pl.String}
    types = {name: columns.get(name, pl.Float64) for name in schemas.Selection.to_schema().columns}
    table = pl.DataFrame(rows, schema={**types, "cell": pl.String}, strict=False)
    return schemas.check(table, schemas.Selection, "test")


def merge(table, profiles, tmp_path, rule="modz", *, dose_um=None, drugs=DRUGS):
    """Plan and reduce; the profiles are read in reverse order."""
    plan = plan_merging(table, drugs, rule, dose_um)
    profiles = np.asarray(profiles, np.float32)
    with Scratch(len(table), profiles.shape[1], tmp_path) as scratch:
        for row in reversed(range(len(table))):
            scratch.put(plan.place[[row]], profiles[[row]])
        blocks = list(plan.reduced(scratch))
    return plan, np.concatenate([np.empty((0, profiles.shape[1]), np.float32), *blocks])


def counts(plan):
    return {(what, reason): count for _, what, reason, count in plan.counts.rows() if count}


def test_by_hand(tmp_path):
    # s1, s3 and s4 are one molecule (two of its drugs), cell line, dose and time; s2 is another cell line,
    # s5 another molecule. Weights of s1, s3, s4: 0.6, 0.3 and the floor of 0.01.
    table = selection(
        {"replicate_correlation": 0.6, "replicates": 2, "tas": 0.1},
        {"cell": "MCF7"},
        {"drug": "base", "replicate_correlation": 0.3, "tas": 0.2},
        {"replicate_correlation": -0.5, "replicates": 4, "tas": 0.3},
        {"drug": "other"},
    )
    plan, X = merge(table, [[1, 0], [5, 6], [0, 1], [91, 0], [7, 8]], tmp_path)
    total = 0.6 + 0.3 + 0.01
    np.testing.assert_allclose(X, [[(0.6 + 0.91) / total, 0.3 / total], [5, 6], [7, 8]], rtol=1e-6)
    assert X.dtype == np.float32
    assert plan.signatures["signature"].to_list() == ["s1", "s2", "s5"]
    assert plan.signatures["merged"].to_list() == [3, 1, 1]
    assert plan.signatures["replicates"].to_list() == [9, 3, 3]
    assert plan.signatures["tas"].to_list() == pytest.approx([(0.06 + 0.06 + 0.003) / total, 0.5, 0.5])
    assert plan.signatures["replicate_correlation"].to_list() == pytest.approx(
        [(0.36 + 0.09 - 0.005) / total, 0.4, 0.4]
    )
    schemas.check(plan.members, schemas.MergedSignatures, "test")
    assert plan.members["signature"].to_list() == ["s1"] * 3
    assert plan.members["member"].to_list() == ["s1", "s3", "s4"]
    assert plan.members["weight"].to_list() == pytest.approx([0.6 / total, 0.3 / total, 0.01 / total])
    schemas.check(plan.counts, schemas.Counts, "test")
    assert counts(plan) == {
        ("merging", "read"): 5,
        ("merging", "merged into another, weighted by replicate correlation"): 2,
        ("merging", "kept"): 3,
        ("merged signatures", "weighted by replicate correlation"): 1,
    }


@pytest.mark.parametrize(("rule", "correlation"), [("mean", 0.3), ("modz", None)])
def test_the_plain_mean_is_used_if_requested_or_if_a_correlation_is_missing(tmp_path, rule, correlation):
    table = selection({}, {"replicate_correlation": correlation, "tas": None, "replicates": None})
    plan, X = merge(table, [[1, 2], [4, 4]], tmp_path, rule)
    assert X.tolist() == [[2.5, 3]]
    row = plan.signatures.row(0, named=True)
    assert (row["tas"], row["replicates"], row["merged"]) == (None, None, 2)
    assert row["replicate_correlation"] == (None if correlation is None else pytest.approx(0.35))
    assert plan.members["weight"].to_list() == [0.5, 0.5]
    assert counts(plan)["merging", "merged into another, all weighing the same"] == 1
    assert counts(plan)["merged signatures", "all weighing the same"] == 1


def test_none_changes_nothing(tmp_path):
    table = selection({"dose_um": 9.99}, {"nearest_dose_um": 3.33})
    plan, X = merge(table, [[1, 2], [4, 4]], tmp_path, "none", dose_um=10.0)
    assert X.tolist() == [[1, 2], [4, 4]]
    assert plan.signatures.equals(table.drop("nearest_dose_um").with_columns(parent=pl.lit("P")))
    assert plan.members.is_empty()
    assert counts(plan) == {("merging", "read"): 2, ("merging", "kept"): 2}


@pytest.mark.parametrize(
    ("first", "second", "dose_um", "merged", "nominal"),
    [
        ({"dose_um": 9.5}, {"dose_um": 10.4}, 10.0, 1, 10.0),  # both passed the filter for 10 uM
        ({"dose_um": 9.99999}, {"dose_um": 10.0}, None, 1, 10.0),
        ({"dose_um": 9.5}, {"dose_um": 10.4}, None, 2, 9.5),
        ({"dose_um": 3.3}, {"dose_um": 3.4, "nearest_dose_um": 3.33}, None, 2, 3.3),
        ({"dose_um": 3.3, "nearest_dose_um": 3.33}, {"nearest_dose_um": 3.33}, None, 1, 3.33),
        ({"dose_um": 0.1234}, {"dose_um": 0.1199}, None, 1, 0.12),
        ({"dose_um": None}, {"dose_um": None}, None, 2, None),  # unknown is not equal to unknown
    ],
)
def test_which_doses_are_merged(first, second, dose_um, merged, nominal):
    plan = plan_merging(selection(first, second), DRUGS, "modz", dose_um)
    assert len(plan.signatures) == merged
    assert plan.signatures["dose_um"][0] == nominal
    if nominal is None:
        assert counts(plan)["merged signatures", "not merged: dose or time unknown"] == 2


def test_which_times_are_merged():
    table = selection({"time_h": 24.0}, {"time_h": 24.0000001}, {"time_h": 6.0}, {"time_h": None})
    plan = plan_merging(table, DRUGS, "modz", 10.0)
    assert plan.signatures["time_h"].to_list() == [24.0, 6.0, None]


@pytest.mark.parametrize(
    ("nodes", "targets", "drug"),
    [
        ([None, None], [[], []], "salt"),
        ([None, None], [[], ["TP53"]], "base"),
        ([None, "drug:DrugBank:DB1"], [["TP53"], []], "base"),
        (["drug:DrugBank:DB2", "drug:DrugBank:DB1"], [[], ["TP53"]], "base"),
    ],
)
def test_the_drug_is_first_one_in_the_graph_then_one_with_targets(nodes, targets, drug):
    drugs = pl.DataFrame(
        {"drug": ["salt", "base"], "parent": ["P", "P"], "kg_node": nodes, "targets": targets},
        schema_overrides={"kg_node": pl.String, "targets": pl.List(pl.String)},
    )
    plan = plan_merging(selection({"drug": "salt"}, {"drug": "base"}), drugs, "modz", 10.0)
    assert plan.signatures.select("signature", "drug").rows() == [("s1", drug)]


@given(
    groups=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["A", "B"])), min_size=1, max_size=30),
    correlations=st.lists(st.none() | st.floats(-1, 1), min_size=30, max_size=30),
    rows_at_once=st.sampled_from([1, 2, 5, 4096]),
    rule=st.sampled_from(_merge.RULES),
)
@settings(max_examples=80)
def test_every_member_counts_once_and_blocks_do_not_matter(
    tmp_path_factory, *, groups, correlations, rows_at_once, rule
):
    drugs = pl.DataFrame(
        {
            "drug": [f"d{i}" for i in range(4)],
            "parent": ["P", "P", "Q", "R"],
            "kg_node": [None] * 4,
            "targets": [["T"]] * 4,
        },
        schema_overrides={"kg_node": pl.String},
    )
    table = selection(
        *({"drug": f"d{d}", "cell": c, "replicate_correlation": r} for (d, c), r in zip(groups, correlations))  # noqa: B905
    ).sort("signature")
    profiles = np.random.default_rng(0).normal(size=(len(table), 3)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_merge, "ROWS_AT_ONCE", rows_at_once)
        plan, X = merge(table, profiles, tmp_path_factory.mktemp("merge"), rule, dose_um=10.0, drugs=drugs)
    out = plan.signatures
    assert len(X) == len(out) and out["merged"].sum() == len(table)
    assert out["signature"].to_list() == sorted(out["signature"])
    parents = dict(drugs.select("drug", "parent").rows())
    distinct = {(parents[drug], cell) for drug, cell in table.select("drug", "cell").rows()}
    assert len(out) == (len(table) if rule == "none" else len(distinct))
    weight = {member: (signature, w) for signature, member, w in plan.members.rows()}
    expected = dict.fromkeys(out["signature"], 0.0)
    for name, profile in zip(table["signature"], profiles, strict=True):
        signature, w = weight.get(name, (name, 1.0))
        expected[signature] = expected[signature] + w * profile.astype(float)
    np.testing.assert_allclose(X, list(expected.values()), rtol=1e-5, atol=1e-6)
    alone = out.filter(pl.col("merged") == 1)["signature"]
    for i, name in enumerate(out["signature"]):
        if name in alone:
            np.testing.assert_array_equal(X[i], profiles[table["signature"].to_list().index(name)])


def test_an_unknown_rule_names_the_known_ones():
    with pytest.raises(
        InputError, match="merge_signatures: unknown rule 'median'; known are modz, mean, none"
    ):
        plan_merging(selection({}), DRUGS, "median", None)


def test_an_empty_selection_merges_nothing(tmp_path):
    plan, X = merge(selection({}).clear(), np.empty((0, 2)), tmp_path)
    assert len(plan.signatures) == len(X) == 0
