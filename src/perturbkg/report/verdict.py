"""Say in plain words, from the tables alone, whether the graph helps; claim no gain that they do not show."""

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import badness
from perturbkg.report.grid import interval, probability

_ANSWERS = {"yes": "yes", "no": "no evidence that it does", "open": "cannot be answered from what was run"}


@dataclass(frozen=True)
class Contest:
    """The reference model against a rival on one metric of one split."""

    rival: str
    outcome: str  # better, worse, no difference, or not run
    difference: float | None = None  # reference minus rival
    low: float | None = None
    high: float | None = None
    q: float | None = None

    def numbers(self, metric: str) -> str:
        """Write the difference with its interval and q."""
        shown = interval(self.difference, self.low, self.high, sign=True)
        equals = "" if self.q is not None and self.q < 0.001 else "= "
        return f"difference in {metric} {shown}, q {equals}{probability(self.q)}"


def judge(
    main: pl.DataFrame, comparisons: pl.DataFrame, ablations: pl.DataFrame, choices: Choices
) -> dict[str, Any]:
    """Return the verdict: question, answer, caveat, and each split with its sentences and contests."""
    evidence = _Evidence(main, comparisons, ablations, choices)
    splits = [evidence.judge(split) for split in main["split"].unique(maintain_order=True)]
    answers = "; ".join(f"{found['split']}: {_ANSWERS[found['answer']]}" for found in splits)
    return {
        "question": f"Does the graph help {choices.reference} on new test signatures?",
        "answer": f"{answers}.",
        "splits": splits,
        "caveat": _caveat(choices, int(main["seeds"].max() or 0)),  # type: ignore[arg-type]
    }


def _caveat(choices: Choices, seeds: int) -> str:
    """Say what a yes takes, and what the numbers do not cover."""
    sentences = [
        f"“Yes” asks for two things, each at q < 0.05 on {choices.headline[0]}: {choices.reference} must be "
        f"better than {choices.without_graph}, which sees no graph, and than itself retrained on a graph "
        f"with shuffled edges ({choices.rewired}).",
        "No difference found is not the same as no difference.",
        "One seed per model: intervals hold the spread between molecules, not between seeds."
        if seeds == 1
        else f"Scores are averaged over {seeds} seeds; intervals hold the spread between molecules.",
    ]
    if choices.not_computed:
        sentences.append(
            f"Headline metrics that this run did not compute: {', '.join(choices.not_computed)}."
        )
    return " ".join(sentences)


@dataclass(frozen=True)
class _Evidence:
    """The tables that the verdict rests on."""

    main: pl.DataFrame
    comparisons: pl.DataFrame
    ablations: pl.DataFrame
    choices: Choices

    def judge(self, split: str) -> dict[str, Any]:
        """Judge one split on the first headline metric, and list the outcomes on the others."""
        choices, metric = self.choices, self.choices.headline[0]
        free = self._against(split, metric, choices.without_graph)
        rewired = self._against_rewired(split, metric)
        contests = [free, rewired, self._against(split, metric, choices.without_attention)]
        control = self._best_control(split, metric)
        if control:
            contests.append(self._against(split, metric, control))
        answer = "yes" if free.outcome == rewired.outcome == "better" else "no"
        if "not run" in (free.outcome, rewired.outcome):
            answer = "open"
        # One model may play two parts, or be the reference itself.
        rivals = {contest.rival: contest for contest in reversed(contests)}
        contests = [rivals[name] for name in dict.fromkeys(contest.rival for contest in contests)]
        contests = [contest for contest in contests if contest.rival != choices.reference]
        sentences = [_sentence(contest, metric, choices) for contest in contests]
        sentences.insert(2, _reading(answer, free, rewired, choices))
        sentences.append(self._others(split, metric))
        outcomes = [
            (other, self._against(split, other, choices.without_graph), self._against_rewired(split, other))
            for other in choices.headline[1:]
        ]
        others = ", ".join(
            f"{other} ({first.outcome}; {second.outcome})"
            for other, first, second in outcomes
            if {first.outcome, second.outcome} != {"not run"}
        )
        if others:
            against = f"{choices.without_graph} and {choices.rewired}"
            sentences.append(f"On the other headline metrics, against {against}: {others}.")
        return {
            "split": split,
            "answer": answer,
            "sentences": [sentence for sentence in sentences if sentence],
            "contests": [asdict(contest) for contest in contests],
        }

    def _against(self, split: str, metric: str, other: str) -> Contest:
        """Read a contest of the comparison table."""
        found = self.comparisons.filter(pl.col("q").is_not_null(), split=split, metric=metric, other=other)
        if found.is_empty():
            return Contest(other, "not run")
        row = found.row(0, named=True)
        outcome = {row["reference"]: "better", other: "worse"}.get(row["better"], "no difference")
        return Contest(
            other, outcome, row["difference"], row["difference_low"], row["difference_high"], row["q"]
        )

    def _against_rewired(self, split: str, metric: str) -> Contest:
        """Read the contest with the rewired self; the table holds ablated minus untouched."""
        rewired = self.choices.rewired
        found = self.ablations.filter(
            pl.col("q").is_not_null(),
            split=split,
            metric=metric,
            model=self.choices.reference,
            ablation=rewired,
        )
        if found.is_empty():
            return Contest(rewired, "not run")
        row = found.row(0, named=True)
        outcome = {"none": "better", rewired: "worse"}.get(row["better"], "no difference")
        low, high = (
            None if row[name] is None else -row[name] for name in ("difference_high", "difference_low")
        )
        return Contest(rewired, outcome, -row["difference"], low, high, row["q"])

    def _others(self, split: str, metric: str) -> str:
        """Say which other models are better than the reference, and which may be as good."""
        compared = self.comparisons.filter(pl.col("q").is_not_null(), split=split, metric=metric)["other"]
        outcome = {other: self._against(split, metric, other).outcome for other in compared}
        if not outcome:
            return ""
        named = {
            kind: ", ".join(sorted(other for other in outcome if outcome[other] == kind))
            for kind in ("better", "worse", "no difference")
        }
        name, count = self.choices.reference, len(outcome)
        ahead = f"better than {name}: {named['worse']}" if named["worse"] else f"none is better than {name}"
        level = f"; no difference was found to {named['no difference']}" if named["no difference"] else ""
        return f"Of {count} other models, {ahead}{level}."

    def _best_control(self, split: str, metric: str) -> str | None:
        """Name the trivial control that does best on this metric."""
        found = self.main.filter(pl.col("mean").is_not_null(), split=split, metric=metric, kind="control")
        return found.sort(badness(metric), "model")["model"][0] if found.height else None


def _sentence(contest: Contest, metric: str, choices: Choices) -> str:
    """Say who is better, with the numbers."""
    name, rival = choices.reference, contest.rival
    if rival == choices.rewired:
        rival = f"itself retrained under {rival}"
    elif rival == choices.without_attention:
        rival = f"{rival}, a network that reads the graph without attention"
    elif rival == choices.without_graph:
        rival = f"{rival}, which sees no graph"
    elif rival in choices.controls:
        rival = f"{rival}, the best trivial control"
    if contest.outcome == "not run":
        return f"Not compared: {name} with {rival}."
    words = {
        "better": f"{name} is better than {rival}",
        "worse": f"{name} is worse than {rival}",
        "no difference": f"No difference was found between {name} and {rival}",
    }
    return f"{words[contest.outcome]} ({contest.numbers(metric)})."


def _reading(answer: str, free: Contest, rewired: Contest, choices: Choices) -> str:
    """Say what the two decisive contests mean together."""
    if answer == "yes":
        return "So the edges of the graph help."
    if answer == "open":
        return ""
    if free.outcome == "better":
        return f"So what {choices.reference} gains is not shown to come from the edges of the graph."
    if rewired.outcome == "better":
        return (
            f"So {choices.reference} uses the edges, but is not shown to be better than a model without them."
        )
    return "So nothing shows that the graph helps here."
