# One job for each model, split, fold, ablation, share of the training groups and seed: train, then predict the test part.
# Needs: signatures.h5ad, splits/, graph/, features/. Makes: runs/.


rule train_model:
    input:
        signatures=rules.read_signatures.output.signatures,
        fold=f"{R}/splits/{{split}}/fold{{fold}}{{share}}.parquet",
        drugs=rules.prepare_drugs.output.drugs,
        targets=rules.impute_targets.output.targets,
        cells=rules.prepare_cells.output.cells,
        baseline=rules.prepare_cells.output.baseline,
        graph=rules.merge_graph.output.graph,
        graph_nodes=rules.merge_graph.output.graph_nodes,
        features=[
            f"{R}/features/{slug(node_type)}.{encoder}.safetensors"
            for node_type, encoders in config["encoders"].items()
            for encoder in encoders
        ],
    output:
        prediction=f"{RUN}/prediction.h5ad",
        weights=f"{RUN}/model.safetensors",
        sizes=f"{RUN}/model.json",
        history=f"{RUN}/history.parquet",
        run=f"{RUN}/run.json",
    log:
        f"{LOGS}/train_model/{{split}}/fold{{fold}}/{{model}}/{{ablation}}{{share}}/seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{split}}/fold{{fold}}/{{model}}/{{ablation}}{{share}}/seed{{seed}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["threads"]["train"]
    resources:
        mem_mb=config["memory_mb"]["train"],
        runtime=240,
        gpu=lambda wildcards: gpus_of(wildcards.model),
    params:
        fusion=config["fusion"],
        model=lambda wildcards: wildcards.model,
        options=lambda wildcards: options("model", wildcards.model),
        ablation=lambda wildcards: wildcards.ablation,
        ablation_options=lambda wildcards: options("ablation", wildcards.ablation),
        seed=lambda wildcards: int(wildcards.seed),
        threads=config["threads"]["train"],
        identity=lambda wildcards: identity(
            wildcards,
            model=wildcards.model,
            ablation=wildcards.ablation,
            share=wildcards.share,
            seed=wildcards.seed,
        ),
        code=lambda wildcards: code(
            "train_model", models=wildcards.model, ablations=wildcards.ablation
        ),
    script:
        "../../scripts/train_model.py"
