"""Draw docs/images/dag.svg: the rules of the workflow by phase, from Snakemake's own rule graph.

It needs Graphviz (dot, tred), and an overlay with `train_share: [0.5, 1]`, for the rule that takes a share:
`snakemake --rulegraph --configfile shares.yaml | python docs/images/draw_dag.py`.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Phase (a file of workflow/rules) -> its title and colour (Okabe and Ito, distinct to the colour-blind).
PHASES = {
    "download": ("raw files", "#999999"),
    "prepare": ("read into tables", "#56b4e9"),
    "graph": ("merge the graph", "#009e73"),
    "embed": ("embed nodes", "#009e73"),
    "split": ("cut and describe folds", "#e69f00"),
    "train": ("train: model x split x fold x ablation x share x seed", "#d55e00"),
    "evaluate": ("score", "#cc79a7"),
    "report": ("report", "#0072b2"),
}
STYLE = """
  rankdir=TB; ranksep=0.3; nodesep=0.25; fontname="Helvetica,sans-Serif"; fontsize=11; fontcolor="#333333";
  node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica,sans-Serif", fontsize=11,
        height=0.3, penwidth=1.4];
  edge [color="#777777", arrowsize=0.6];
"""


def draw(rule_graph: str) -> str:
    """Return the picture as DOT; what the simulated world makes can be downloaded, weights are optional."""
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', rule_graph))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", rule_graph) if names[b] != "all"}
    edges |= {("download_source", b) for a, b in edges if a == "simulate_world"}
    edges |= {("fetch_weights", "embed_nodes")}
    lines = ["digraph dag {", STYLE]
    for phase, (title, colour) in PHASES.items():
        text = (HERE / f"../../workflow/rules/{phase}.smk").read_text(encoding="utf-8")
        rules = " ".join(f'"{name}";' for name in re.findall(r"^rule (\w+):", text, re.MULTILINE))
        lines.append(
            f'  subgraph cluster_{phase} {{ label="{title}"; color="{colour}"; style=rounded; '
            f'penwidth=1.2; labeljust=l; node [color="{colour}"]; {rules} }}'
        )
    lines += [f'  "{a}" -> "{b}";' for a, b in sorted(edges)]
    return "\n".join([*lines, "}"])


if __name__ == "__main__":
    reduced = subprocess.run(
        ["tred"], input=draw(sys.stdin.read()), text=True, capture_output=True, check=True
    )
    subprocess.run(["dot", "-Tsvg", "-o", HERE / "dag.svg"], input=reduced.stdout, text=True, check=True)
