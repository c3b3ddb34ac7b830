# A vector for every node that has something to encode.
# Needs: graph/inputs.parquet, baseline.h5ad. Makes: features/{node_type}.{encoder}.safetensors.

NODE_TYPES = {slug(node_type): node_type for node_type in config["encoders"]}


def is_language_model(encoder):
    """Return whether an encoder needs weights: it names the one that does without."""
    try:
        return bool(plugins.constant("encoders", encoder, "instead"))
    except AttributeError:
        return False


def model_folders(encoder):
    """Return where a language model finds its weights and keeps vectors; other encoders keep nothing."""
    folders = config["encoder_cache"] if is_language_model(encoder) else {}
    return {f"{name}_folder": folder for name, folder in folders.items()}


rule embed_nodes:
    input:
        inputs=rules.collect_node_inputs.output.inputs,
        baseline=rules.prepare_cells.output.baseline,
        code=lambda wildcards: code("embed_nodes", encoders=wildcards.encoder),
    output:
        features=f"{R}/features/{{node_type}}.{{encoder}}.safetensors",
        counts=f"{R}/features/{{node_type}}.{{encoder}}.counts.parquet",
    log:
        f"{LOGS}/embed_nodes/{{node_type}}.{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/embed_nodes/{{node_type}}.{{encoder}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["threads"]["embed"]
    resources:
        mem_mb=lambda wildcards: (
            8000 if is_language_model(wildcards.encoder) else 4000
        ),
        runtime=lambda wildcards: 1440 if is_language_model(wildcards.encoder) else 60,
        # A GPU where the cluster has one; without it the job runs on the CPU.
        gpu=lambda wildcards: int(is_language_model(wildcards.encoder)),
    params:
        node_type=lambda wildcards: NODE_TYPES[wildcards.node_type],
        encoder=lambda wildcards: wildcards.encoder,
        options=lambda wildcards: options("encoder", wildcards.encoder),
        threads=config["threads"]["embed"],
        folders=lambda wildcards: model_folders(wildcards.encoder),
    script:
        "../../scripts/embed_nodes.py"
