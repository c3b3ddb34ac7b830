"""scripts/score_predictions.py and scripts/collect_scores.py, from files to files."""

import runpy
from pathlib import Path

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.files import write_json

SCRIPTS = Path(__file__).parents[3] / "scripts"
score_predictions = runpy.run_path(str(SCRIPTS / "score_predictions.py"))["main"]
collect_scores = runpy.run_path(str(SCRIPTS / "collect_scores.py"))["main"]
IDENTITY = {
    "dataset": "demo",
    "split": "random",
    "fold": 1,
    "model": "mlp",
    "ablation": "none",
    "share": 1.0,
    "seed": 0,
}


@pytest.fixture
def files(tmp_path, matrix, truth, means):
    fold = tmp_path / "fold1.parquet"
    parts = pl.DataFrame({"signature": ["s3", "s2", "s1"], "part": ["test", "train", "test"]})
    schemas.write(parts, schemas.Fold, fold)
    prediction = matrix(
        "prediction", [[1, 3, 2, 4], [2, 2, 2, 2]], {"signature": ["s1", "s3"], "cell": ["A549", "MCF7"]}
    )
    return {
        "predictions": [prediction], "signatures": truth, "fold": fold, "cell_means": means,
        "scores": [tmp_path / "scores.parquet"], "identities": [IDENTITY],
        "metrics": ["pearson", "pearson_centred"],
    }  # fmt: skip


def test_scores_only_the_test_part(files):
    score_predictions(**files)
    table = schemas.read(files["scores"][0], schemas.Scores)
    assert table.select(list(IDENTITY)).unique().rows() == [tuple(IDENTITY.values())]
    assert table.select("signature", "metric", "value").rows() == [
        ("s3", "pearson", None),
        ("s1", "pearson", pytest.approx(0.8)),
        ("s3", "pearson_centred", None),
        ("s1", "pearson_centred", pytest.approx(0.8)),
    ]
    assert table["reason"].is_null().to_list() == [False, True, False, True]


def test_a_test_signature_without_prediction_leaves_no_output(files, matrix):
    files["predictions"] = [matrix("prediction", [[1, 3, 2, 4]], {"signature": ["s1"]})]
    with pytest.raises(InputError, match="signature 's3' is missing"):
        score_predictions(**files)
    assert not files["scores"][0].exists()


def test_the_runs_of_a_fold_get_the_scores_each_gets_alone(files, matrix, tmp_path):
    other = matrix(
        "other", [[4, 3, 2, 1], [0, 1, 2, 2]], {"signature": ["s1", "s3"], "cell": ["A549", "MCF7"]}
    )
    both = {
        "predictions": [*files["predictions"], other],
        "identities": [IDENTITY, {**IDENTITY, "model": "ridge"}],
    }
    together, alone = (
        [tmp_path / f"{name}{run}.parquet" for run in range(2)] for name in ("together", "alone")
    )
    score_predictions(**{**files, **both, "scores": together})
    for run in range(2):
        one = {name: [values[run]] for name, values in both.items()}
        score_predictions(**{**files, **one, "scores": [alone[run]]})
        assert together[run].read_bytes() == alone[run].read_bytes()
    assert together[0].read_bytes() != together[1].read_bytes()


def test_scores_become_one_table_to_the_byte(files, tmp_path):
    record = tmp_path / "run.json"
    seconds = dict.fromkeys(("load", "ablate", "fit", "predict"), 1.0)
    write_json(
        {
            "identity": IDENTITY, "seconds": seconds, "peak_memory_mb": 9.5, "drugs": 4, "parameters": 0,
            "epochs": 0, "threads": 1, "chosen": {}, "ablation": {"notes": {}},
        },
        record,
    )  # fmt: skip
    written = []
    for attempt in range(2):
        score_predictions(**files)
        outputs = {name: tmp_path / f"{name}{attempt}.parquet" for name in ("all_scores", "all_runs")}
        collect_scores(scores=files["scores"], runs=[record], **outputs)
        written.append([path.read_bytes() for path in outputs.values()])
    assert written[0] == written[1]
    assert schemas.read(outputs["all_scores"], schemas.Scores).equals(
        schemas.read(files["scores"][0], schemas.Scores)
    )
    assert schemas.read(outputs["all_runs"], schemas.Runs).height == 1
