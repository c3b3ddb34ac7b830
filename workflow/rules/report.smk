# Tables, figures and the page; each reads only scores and named tables.
# Needs: scores.parquet, runs.parquet, counts. Makes: tables/, figures/, report.html, run.json.

from dataclasses import asdict

from perturbkg.report import registry
from perturbkg.report.choices import Choices

TABLES, FIGURES = registry.names("tables"), registry.names("figures")
SHOWN = [*registry.files("tables"), *registry.files("figures")]
CHOICES = asdict(Choices.of(config))
EVERY_FOLD = [
    (split, fold) for split in config["splits"] for fold in range(config["folds"])
]
COUNTED = [
    rules.read_knowledge_graph,
    rules.select_signatures,
    rules.prepare_cells,
    rules.prepare_drugs,
    rules.impute_targets,
    rules.read_signatures,
    rules.merge_graph,
    rules.collect_node_inputs,
]
EVERY_FILE = [*(key for keys in READ_BY.values() for key in keys), *TEXT_FILES]
# The split whose predictions are drawn as heat maps: the last one, by convention the hardest.
DRAWN_SPLIT = config["splits"][-1]


rule make_tables:
    input:
        scores=rules.collect_scores.output.scores,
        runs=rules.collect_scores.output.runs,
        signatures=rules.read_signatures.output.signatures,
        drugs=rules.prepare_drugs.output.drugs,
        matches=rules.prepare_drugs.output.matches,
        test_drugs=every_fold(rules.describe_fold.output.test_drugs),
        manifests=every_fold(rules.describe_fold.output.manifest),
        counts=[rule.output.counts for rule in COUNTED]
        + [
            f"{R}/features/{slug(node_type)}.{encoder}.counts.parquet"
            for node_type, encoders in config["encoders"].items()
            for encoder in encoders
        ],
        exclusions=[
            rule.output.exclusions
            for rule in COUNTED
            if "exclusions" in rule.output.keys()
        ],
    output:
        csv=[f"{R}/tables/{name}.csv" for name in TABLES],
        markdown=[f"{R}/tables/{name}.md" for name in TABLES],
        latex=[f"{R}/tables/{name}.tex" for name in TABLES],
        layout=[f"{R}/tables/{name}.json" for name in TABLES],
        verdict=f"{R}/tables/verdict.json",
    log:
        f"{LOGS}/make_tables.log",
    benchmark:
        f"{BENCHMARKS}/make_tables.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        folds=[{"split": split, "fold": fold} for split, fold in EVERY_FOLD],
        resamples=config["report"]["resamples"],
        seed=config["seed"],
        choices=CHOICES,
        code=code(
            "make_tables", *registry.files("tables"), metrics=plugins.names("metrics")
        ),
    script:
        "../../scripts/make_tables.py"


rule make_figures:
    input:
        tables=rules.make_tables.output.csv,
        scores=rules.collect_scores.output.scores,
        signatures=rules.read_signatures.output.signatures,
        drugs=rules.prepare_drugs.output.drugs,
        predictions=expand(
            rules.train_model.output.prediction,
            dataset=config["name"],
            split=DRAWN_SPLIT,
            fold=range(config["folds"]),
            model=CHOICES["reference"],
            ablation="none",
            share="",
            seed=config["seeds"][0],
        ),
    output:
        svg=[f"{R}/figures/{name}.svg" for name in FIGURES],
        png=[f"{R}/figures/{name}.png" for name in FIGURES],
    log:
        f"{LOGS}/make_figures.log",
    benchmark:
        f"{BENCHMARKS}/make_figures.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        split=DRAWN_SPLIT,
        model_seed=config["seeds"][0],
        choices=CHOICES,
        code=code("make_figures", *SHOWN, metrics=plugins.names("metrics")),
    script:
        "../../scripts/make_figures.py"


rule record_run:
    input:
        files=list(raw_inputs(*EVERY_FILE).values()),
    output:
        run=f"{R}/run.json",
    log:
        f"{LOGS}/record_run.log",
    benchmark:
        f"{BENCHMARKS}/record_run.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    params:
        config=IN_FORCE,
        downloads=config["downloads"]["folder"],
        code=code("record_run"),
    script:
        "../../scripts/record_run.py"


rule make_report:
    input:
        run=rules.record_run.output.run,
        layouts=rules.make_tables.output.layout,
        verdict=rules.make_tables.output.verdict,
        svg=rules.make_figures.output.svg,
    output:
        page=f"{R}/report.html",
    log:
        f"{LOGS}/make_report.log",
    benchmark:
        f"{BENCHMARKS}/make_report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code(
            "make_report",
            *SHOWN,
            knowledge_graphs=config["knowledge_graph"],
            signatures=config["signatures"],
            baselines=config["baseline"],
        ),
    script:
        "../../scripts/make_report.py"
