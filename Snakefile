# PerturbKG: from raw files to report. `snakemake --cores all` runs the demo; README.md says what else.


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/graph.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    tables,
    figures,
    report,


rule all:
    default_target: True
    input:
        rules.make_report.output.page.format(dataset=config["name"]),


rule tables:
    input:
        expand(rules.make_tables.output, dataset=config["name"]),


rule figures:
    input:
        expand(rules.make_figures.output, dataset=config["name"]),


rule report:
    input:
        rules.all.input,
