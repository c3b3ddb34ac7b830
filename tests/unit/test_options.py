"""Options read from source: which definitions work, and one line for those that do not."""

import itertools
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Interval, Le

from perturbkg.errors import InputError
from perturbkg.options import Option, describe, read_class

NUMBER = itertools.count()
HEAD = """import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal
from annotated_types import Ge
import perturbkg.schemas
from perturbkg import scoring as other
from perturbkg.splits import PARTS
from perturbkg.models import Model

WIDTH = 8
SIZES: tuple[int, ...] = (WIDTH, 2 * WIDTH)
Way = Literal["up", "down"]
"""
CONTRACT = Path(__file__).parents[2] / "src/perturbkg/models/__init__.py"


def read(tmp_path: Path, body: str, head: str = HEAD):
    """Return the class `Mine` with this body, read from a separate file."""
    path = tmp_path / f"mine{next(NUMBER)}.py"
    path.write_text(head + "\n@dataclass\nclass Mine(Model):\n" + body)
    return read_class(path, "Model", CONTRACT)


@pytest.mark.parametrize(
    ("declared", "default"),
    [
        ("x: int = 3", 3),
        ("x: float = -0.5", -0.5),
        ("x: int = WIDTH", 8),
        ("x: int = SIZES[1] // 3 + 2**4", 21),
        ("x: float = math.pi / 2", 1.5707963267948966),
        ("x: tuple[str, ...] = PARTS", ("train", "validation", "test")),
        ("x: int = field(default=WIDTH)", 8),
        ("x: list[int] = field(default_factory=list)", []),
        ("x: list[int] = field(default_factory=lambda: [1, WIDTH])", [1, 8]),
        ("x: dict[str, int] = field(default_factory=lambda: {'a': 1})", {"a": 1}),
        ("x: frozenset[str] = frozenset(('a', 'b'))", frozenset("ab")),
        ("x: Way = 'up'", "up"),
        ("x: 'int | None' = None", None),
        ("small: ClassVar[int] = 2\n    x: int = small * 3", 6),
        ("x: bool = not True", False),
    ],
)
def test_a_default_that_is_known_without_running_the_module(tmp_path, declared, default):
    option = read(tmp_path, f"    {declared}\n").options["x"]
    assert option.default == default
    assert option.problem(option.setting) is None


@pytest.mark.parametrize(
    "declared",
    [
        "x: int = len(SIZES)",
        "x: str = other.anything",
        "x: int = open('a')",
        "x: int = nowhere",
        "x: int = 1 / 0",
    ],
)
def test_any_other_default_is_one_line_with_place_and_remedy(tmp_path, declared):
    with pytest.raises(InputError) as error:
        _ = read(tmp_path, f"    {declared}\n").options
    expected = declared.partition(" = ")[2]
    line = HEAD.count("\n") + 4
    assert f".py:{line}: default of option 'x': `{expected}` cannot be read" in str(error.value)
    assert "write a literal, a constant of a module, arithmetic" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("declared", ["x: int", "x: int = field()", "x: int = field(repr=False)"])
def test_an_option_without_a_default_is_one_line(tmp_path, declared):
    with pytest.raises(InputError, match=r"mine\d+\.py:\d+: option 'x' has no default; give it one"):
        _ = read(tmp_path, f"    {declared}\n").options


def test_a_type_that_a_config_cannot_give_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"type of option 'x': a config cannot give `np\.ndarray`"):
        _ = read(tmp_path, "    x: np.ndarray = None\n").options


def test_fields_set_by_the_workflow_or_computed_by_the_class_are_not_options(tmp_path):
    body = """    folder: str = field(default="a", metadata={"option": False})
    counts: dict[str, int] = field(default_factory=dict, init=False)
    _cache: int = field(default=0, repr=False)
    kind: ClassVar[str] = "x"
    depth: int = 2
"""
    assert list(read(tmp_path, body).options) == ["depth"]  # nor is Model.seed


def test_options_are_inherited_in_order_and_keep_their_meaning_when_overridden(tmp_path):
    head = (
        HEAD
        + """
class Shared(Model):
    width: int = 3
    \"\"\"units\"\"\"
    depth: int = 1
    \"\"\"layers\"\"\"
    kind: ClassVar[str] = "x"

class _Deeper(Shared):
    heads: int = 2

class Helper:
    not_an_option: int = 1
"""
    )
    path = tmp_path / "deeper.py"
    path.write_text(
        head.replace("class Shared", "class _Shared").replace("(Shared)", "(_Shared)")
        + '\nclass Mine(_Deeper):\n    depth: int = 9\n    heads: int = 4\n    """of attention"""\n'
    )
    found = read_class(path, "Model", CONTRACT)
    assert {o.name: (o.default, o.meaning) for o in found.options.values()} == {
        "width": (3, "units"),
        "depth": (9, "layers"),
        "heads": (4, "of attention"),
    }
    assert found.constant("kind") == "x"
    with pytest.raises(AttributeError, match=r"deeper\.py: no absent"):
        found.constant("absent")


def test_an_inherited_option_without_its_type_is_one_line(tmp_path):
    head = HEAD + "\nclass _Shared(Model):\n    width: int = 3\n"
    path = tmp_path / "untyped.py"
    path.write_text(head + "\nclass Mine(_Shared):\n    width = 9\n")
    with pytest.raises(InputError, match=r"Mine: option 'width' .* unless its type is repeated: .* = 9"):
        _ = read_class(path, "Model", CONTRACT).options


@pytest.mark.parametrize(
    ("text", "number"),
    [("x = 1\n", 0), ("class A(Model): pass\nclass B(Model): pass\n", 2), ("class A: pass\n", 0)],
)
def test_a_file_must_define_one_plug_in(tmp_path, text, number):
    path = tmp_path / "plugin.py"
    path.write_text(HEAD + text)
    with pytest.raises(InputError, match=f"one public class that inherits from Model; it defines {number}"):
        read_class(path, "Model", CONTRACT)


@pytest.mark.parametrize(
    ("kind", "good", "bad", "problem"),
    [
        (int, 3, True, "True must be a valid integer"),
        (float, 3, "a", "'a' must be a valid number"),
        (float, 3, "3", "'3' is text; write it without quotes, and in a file rather than in --config"),
        (bool, True, 1, "1 must be a valid boolean"),
        (Annotated[int, Ge(1)], 1, 0, "0 must be greater than or equal to 1"),
        (Annotated[float, Interval(ge=0, lt=1)], 0, 1, "1 must be less than 1"),
        (Literal["a", "b"], "a", "c", "'c' must be 'a' or 'b'"),
        (tuple[float, ...], [1, 2.5], 3, "3 must be a valid array"),
        (float | None, None, "x", "'x' must be a valid number"),
    ],
)
def test_a_value_is_checked_against_type_and_range(kind, good, bad, problem):
    option = Option("x", kind, None, "")
    assert option.problem(good) is None
    assert option.problem(bad) == problem


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "int"),
        (Annotated[float, Ge(0), Le(1)], "float, at least 0, at most 1"),
        (Literal["auto", "cpu"], "auto | cpu"),
        (tuple[float, ...], "list of float"),
        (int | None, "int | null"),
    ],
)
def test_a_type_is_described_in_words(kind, words):
    assert describe(kind) == words
