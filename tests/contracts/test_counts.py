"""Nothing is dropped without a count: all rows that a step of the preparation reads are removed or kept."""

import numpy as np
import polars as pl
import pytest
from balance import unbalanced

from perturbkg import plugins, schemas
from perturbkg.baselines._join import join_baseline
from perturbkg.drugs.prepare import prepare
from perturbkg.drugs.targets import known_targets
from perturbkg.graph.descriptions import LAYOUTS, read_descriptions
from perturbkg.graph.inputs import collect_inputs
from perturbkg.graph.merge import merge_graph
from perturbkg.io.tallies import counted
from perturbkg.signatures._join import join_selection
from perturbkg.signatures._merge import RULES, plan_merging

LEAST = {"require_hiq": False, "require_qc_pass": False}


@pytest.fixture(scope="module")
def graph(raw_world):
    return plugins.create("knowledge_graphs", "primekg").read(raw_world)


@pytest.mark.parametrize(("label", "baseline"), [("level5", "table"), ("level3", "level3_controls")])
def test_everything_read_in_a_world_is_removed_or_kept(raw_world, graph, label, baseline):
    files = raw_world
    source = plugins.create("signatures", "lincs2020")
    genes = source.genes(files)
    selected = source.select(files, LEAST)
    measured = plugins.create("baselines", baseline).read(files, genes)
    lines = join_baseline(source.cell_lines(files), measured)
    prepared = prepare(source.compounds(files).table, selected.selection["drug"], graph.nodes, files)
    joined = join_selection(selected.selection, prepared.drugs, lines.cells, 1)
    made = source.measured(files, joined.selection, label)
    targets, target_counts = known_targets(prepared.drugs, prepared.library, graph.nodes, graph.edges)
    merged = merge_graph(
        nodes=graph.nodes,
        edges=graph.edges,
        drugs=prepared.drugs,
        targets=targets,
        cells=lines.cells,
        baseline=lines.baseline,
        entrez=genes.entrez,
        symbols=genes.symbol,
        relations={},
        expressed_genes=20,
    )
    tables = {key: read_descriptions(key, files[key]) for key in LAYOUTS if key in files}
    _, inputs = collect_inputs(
        merged.nodes,
        prepared.drugs,
        lines.cells,
        tables,
        nodes=graph.nodes,
        descriptions=graph.descriptions,
    )
    counts = [graph.counts, selected.counts, lines.counts, prepared.counts, joined.counts, made.counts]
    counts.append(target_counts)
    for rule in RULES:
        plan = plan_merging(made.selection, prepared.drugs, rule, 10.0)
        assert unbalanced(plan.counts) == []
        # The output of a step is the input of the next.
        assert _line(plan.counts, "merging", "read") == len(made.selection)
        assert _line(plan.counts, "merging", "kept") == len(plan.signatures)
    every = schemas.check(pl.concat([*counts, merged.counts, inputs]), schemas.Counts, "test")
    assert unbalanced(every) == []
    assert _line(selected.counts, "signatures", "kept") == _line(joined.counts, "signatures", "read")
    assert _line(joined.counts, "signatures", "kept") == len(joined.selection)
    assert _line(prepared.counts, "drugs", "kept") == len(prepared.drugs) == len(prepared.matches)
    assert (
        _line(lines.counts, "cell lines", "kept") == len(lines.cells) == len(np.unique(lines.cells["cell"]))
    )
    # A defective item that was removed is also listed.
    listed = prepared.exclusions.filter(what="drugs")["item"]
    assert set(listed) | set(prepared.drugs["drug"]) == set(selected.selection["drug"])


def test_counts_that_do_not_add_up_are_found():
    good = counted("rule", "things", [("read", 3), ("broken", 1), ("kept", 2), ("of these: red", 2)])
    added = counted("rule", "nodes", [("read", 3), ("added: drugs", 2), ("kept", 5)])
    other = counted("rule", "texts", [("present", 3), ("absent", 1)])
    assert unbalanced(pl.concat([good, added, other])) == []
    assert unbalanced(good[:-2]) == [("rule", "things", {"read": 3, "broken": 1})]
    twice = pl.concat([good, good])
    assert unbalanced(twice)


def _line(counts, what, reason):
    return counts.filter(what=what, reason=reason)["count"].item()
