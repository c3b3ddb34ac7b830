"""Prose is plain modern English: phrases of the dialect that the project once had do not come back."""

import re
from pathlib import Path

import pytest
from pages import ROOT

# What is found -> what to write.
PHRASES = {
    r"anew|afresh": "again",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"st(?:ands?|ood) (?:in|beside|under|twice)": "is in, is next to, occurs twice; represents",
    r"is none of|(?:that|which) (?:is|are) none": "is not one of, is not a ...",
    r"(?:no|some)body|whoever": "name who: the user, another process",
    r"told|tells? of": "said, recognised, logged, reported",
    r"reckon(?:s|ed|ing)?": "estimate, expect",
    r"likeness(?:es)?": "similarity",
    r"strangers?": "other, unknown",
    r"go(?:es)? on with": "continue with",
}
FOLDERS = ("src", "scripts", "workflow", "config", "docs", "benchmarks", "tests")
FILES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))]
    if path.suffix in (".py", ".smk", ".md", ".yaml", ".j2") and path != Path(__file__)
)


@pytest.mark.parametrize("phrase", PHRASES)
def test_no_phrase_of_the_dialect(phrase: str) -> None:
    # In identifiers too, whose words are joined by `_`.
    words = phrase.replace(" ", "[ _]")
    pattern = re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{len(found)} lines, write {PHRASES[phrase]!r}:\n" + "\n".join(found[:20])
