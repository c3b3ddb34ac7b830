"""Code blocks of the documentation, for tests that run them."""

import re
from pathlib import Path


def code_block(page: Path, word: str) -> str:
    """Return the only fenced code block of a page that contains a word."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if word in block]
    return block
