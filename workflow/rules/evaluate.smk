# Every metric for every test signature of every run, then all of them in one tidy table. The runs of a fold are
# scored in one job: they share what was observed, and a job takes seconds to start.
# Needs: runs/, splits/, signatures.h5ad. Makes: scores.parquet, runs.parquet.


rule score_predictions:
    input:
        predictions=runs_of_fold(rules.train_model.output.prediction),
        signatures=rules.read_signatures.output.signatures,
        fold=f"{R}/splits/{{split}}/fold{{fold}}.parquet",
        cell_means=rules.describe_fold.output.cell_means,
    output:
        scores=runs_of_fold(f"{RUN}/scores.parquet"),
    log:
        f"{LOGS}/score_predictions/{{split}}/fold{{fold}}.log",
    benchmark:
        f"{BENCHMARKS}/score_predictions/{{split}}/fold{{fold}}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        metrics=config["metrics"],
        identities=lambda wildcards: [
            identity(wildcards, **run) for run in RUNS_OF_FOLD
        ],
        code=code("score_predictions", metrics=config["metrics"]),
    script:
        "../../scripts/score_predictions.py"


rule collect_scores:
    input:
        scores=runs(f"{RUN}/scores.parquet"),
        runs=runs(rules.train_model.output.run),
    output:
        scores=f"{R}/scores.parquet",
        runs=f"{R}/runs.parquet",
    log:
        f"{LOGS}/collect_scores.log",
    benchmark:
        f"{BENCHMARKS}/collect_scores.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("collect_scores"),
    script:
        "../../scripts/collect_scores.py"
