"""The contract of every plug-in: it says what it is, and the options read from its source match its class."""

import dataclasses
import typing

import pytest

from perturbkg import plugins

EVERY = [(kind, name) for kind in plugins.BASE_CLASS for name in plugins.names(kind)]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_options_read_from_the_source_match_the_imported_class(kind: str, name: str):
    cls = plugins.load(kind, name)
    known = plugins.described(kind, name)
    types = typing.get_type_hints(cls, include_extras=True)
    fields = {
        field.name: field
        for field in dataclasses.fields(cls)
        if field.init and field.metadata.get("option", True) and not field.name.startswith("_")
    }
    assert set(known) == set(fields)
    for option in known.values():
        field = fields[option.name]
        made = field.default_factory
        assert option.default == (field.default if made is dataclasses.MISSING else made())
        assert option.type == types[option.name]
        assert option.problem(option.setting) is None, "the default is outside the option's range"
        assert option.meaning, f"say under {option.name} what it is, as a string"


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_has_a_summary(kind: str, name: str):
    module, own = plugins.summaries(kind, name)
    assert len(module) > 10 and len(own) > 10


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_has_options_only_where_a_config_can_set_them(kind: str, name: str):
    settable = kind in plugins.OPTIONS.values()
    assert settable or not plugins.options_of(kind, name), (
        f"a config sets no options of {kind}: make them ClassVars, or constants of the module"
    )
