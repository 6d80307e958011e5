"""What is wrong with a value, as people read it: never a regular expression."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from headrace.sdk.config import Config, Field, parse_config
from headrace.sdk.errors import ConfigError
from headrace.sdk.forms import config_schema


class Part(Config):
    """One of several."""

    code: Annotated[str, Field("Code", pattern="^[A-Z]{2}$", expected="two capital letters")] = "AA"


class Whole(Config):
    """What is filled in."""

    path: Annotated[str, Field("Path", "Where it is, from the root.", pattern="^/")] = "/"
    region: Annotated[str, Field("Region", pattern="^[a-z0-9-]+$", examples=["eu-central-1"])] = "x"
    parts: list[Part] = []
    kinds: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]], Field("Kinds", "Small letters.")] = []
    part: Part | None = None


@pytest.mark.parametrize(("given", "said"), [
    ({"path": "x"}, "'path': this is not written as asked; Where it is, from the root"),
    ({"region": "X"}, "'region': this is not written as asked, e.g. eu-central-1"),
    ({"parts": [{}, {"code": "x"}]}, "'parts[1].code': write two capital letters"),
    ({"part": {"code": "x"}}, "'part.code': write two capital letters"),
    ({"kinds": ["a", "1"]}, "'kinds[1]': this is not written as asked; Small letters"),
    ({"pat": "/"}, "'pat': there is no such field; did you mean 'path'?"),
    ({"parts": [{"cod": "AA"}]}, "'parts[0].cod': there is no such field; did you mean 'code'?"),
])  # fmt: skip
def test_a_value_that_does_not_fit(given, said):
    with pytest.raises(ConfigError) as error:
        parse_config(Whole, given)
    assert error.value.message == said


def test_the_schema_says_what_is_expected():
    assert config_schema(Part)["properties"]["code"]["x-error"] == "two capital letters"
