# Every metric for every test signature of every run, then all of them in one tidy table.
# Needs: runs/, splits/, signatures.h5ad. Makes: scores.parquet, runs.parquet.


rule score_predictions:
    input:
        prediction=rules.train_model.output.prediction,
        signatures=rules.read_signatures.output.signatures,
        fold=f"{R}/splits/{{split}}/fold{{fold}}.parquet",
        cell_means=rules.describe_fold.output.cell_means,
    output:
        scores=f"{RUN}/scores.parquet",
    log:
        f"{LOGS}/score_predictions/{{split}}/fold{{fold}}/{{model}}/{{ablation}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score_predictions/{{split}}/fold{{fold}}/{{model}}/{{ablation}}/seed{{seed}}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        metrics=config["metrics"],
        identity=lambda wildcards: identity(wildcards),
        code=code("score_predictions", metrics=config["metrics"]),
    script:
        "../../scripts/score_predictions.py"


rule collect_scores:
    input:
        scores=runs(rules.score_predictions.output.scores),
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
