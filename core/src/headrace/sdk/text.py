"""Text templates in configs: Jinja2's immutable sandbox over params, vars, execution and nodes, with bounds."""
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from headrace.sdk.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment, UndefinedError, nodes

MAX_TEMPLATE: Final = 20_000
MAX_RESULT: Final = 100_000
INDENT_MAX: Final = 8
KNOWN_MAX: Final = 20
_FILTERS: Final = [
    "abs",
    "capitalize",
    "default",
    "d",
    "dictsort",
    "escape",
    "e",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "count",
    "list",
    "lower",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
]


def render(text: str, context: Mapping[str, Any]) -> str:
    """The text with its `{{ ... }}` filled in.

    Raises:
        ConfigError: the template is wrong, asks for an unknown name, or exceeds the bounds.
    """
    from jinja2 import TemplateSyntaxError, UndefinedError
    from jinja2.exceptions import SecurityError

    if "{{" not in text and "{%" not in text:
        return text
    plain = _plain(context)
    try:
        template = _environment().from_string(_bounded(text))
        parts: list[str] = []
        size = 0
        for part in template.generate(plain):
            size += len(part)
            if size > MAX_RESULT:
                raise ConfigError(f"'{_brief(text)}' gives more than {MAX_RESULT} characters; make it shorter")
            parts.append(part)
    except TemplateSyntaxError as error:
        raise ConfigError(f"'{_brief(text)}' is not a template: {error.message} (line {error.lineno}); "
                          "write {{ params.name }}", line=error.lineno) from None  # fmt: skip
    except UndefinedError as error:
        raise ConfigError(f"'{_brief(text)}' asks for something that is not there: {_missing(error)}; "
                          + _known(getattr(error, "asked", None), plain)) from None  # fmt: skip
    except SecurityError as error:
        raise ConfigError(
            f"'{_brief(text)}' does what templates may not: {error}; use values and filters only"
        ) from None
    except (
        TypeError,
        ValueError,
        ZeroDivisionError,
        OverflowError,
        MemoryError,
        RecursionError,
        AttributeError,
    ) as error:
        raise ConfigError(f"'{_brief(text)}' cannot be filled in; check the values' types", detail=str(error)) from None
    return "".join(parts)


def render_config(config: Any, context: Mapping[str, Any], verbatim: frozenset[str] = frozenset()) -> Any:
    """The config with every text that contains `{{` filled in; other values are as they were.

    Args:
        config: As the user wrote it.
        context: What templates may use.
        verbatim: Fields at the top that are no templates (`Config.verbatim`).

    Raises:
        ConfigError: naming the field.
    """
    if isinstance(config, Mapping) and verbatim:
        return {key: item if key in verbatim else _walk(item, context, str(key)) for key, item in config.items()}
    return _walk(config, context, "")


@lru_cache(maxsize=4_096)
def members_of(text: str, name: str) -> frozenset[str]:
    """What a template asks of a name, e.g. the steps of `nodes`; nothing of a text that is no template.

    Raises:
        ConfigError: it asks for the name as a whole, or for a member that is not written out.
    """
    from jinja2 import TemplateSyntaxError, nodes

    if "{{" not in text or name not in text:
        return frozenset()
    try:
        tree = _bounded(text)
    except TemplateSyntaxError:  # whoever fills it in says what is wrong
        return frozenset()
    found: set[str] = set()
    wholes = sum(1 for one in tree.find_all(nodes.Name) if one.name == name)
    dots, brackets = tree.find_all(nodes.Getattr), tree.find_all(nodes.Getitem)
    members: list[tuple[nodes.Node, Any]] = [(one.node, one.attr) for one in dots]
    members += [(one.node, getattr(one.arg, "value", None)) for one in brackets]
    for of, member in members:
        if not isinstance(of, nodes.Name) or of.name != name:
            continue
        if isinstance(member, str):
            found.add(member)
            wholes -= 1
    if wholes:
        raise ConfigError(
            f"'{_brief(text)}' does not say which of '{name}' it takes; write {name}['...'] with its name"
        )
    return frozenset(found)


def _walk(value: Any, context: Mapping[str, Any], path: str) -> Any:
    if isinstance(value, str):
        if "{{" not in value:
            return value
        try:
            return render(value, context)
        except ConfigError as error:
            raise ConfigError(f"'{path}': {error.message}", hint=error.hint, detail=error.detail, field=path) from None
    if isinstance(value, Mapping):
        return {key: _walk(item, context, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(item, context, f"{path}[{index}]") for index, item in enumerate(value)]
    return value


def _brief(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _missing(error: UndefinedError) -> str:
    """What was asked for, without the words of Python for what it was asked of."""
    return re.sub(r"^'?[\w. ]+ object'? has no (attribute|element) ", "", error.message or "")


def _known(asked: Any, context: Mapping[str, Any]) -> str:
    """What could be asked for instead, at the level where the mistake is."""
    path = _path(asked, context)
    if isinstance(asked, tuple):
        return f"{path} is a list of {len(asked)}, counted from 0"
    if path and not isinstance(asked, Mapping):
        return f"{path} is a single value"
    names, at = sorted(asked if path else context), f" in {path}" if path else ""
    more = len(names) - KNOWN_MAX
    listed = ", ".join(names[:KNOWN_MAX]) + (f" and {more} more" if more > 0 else "")
    return f"known{at} are {listed}" if names else f"nothing is known{at}"


def _path(wanted: Any, inside: Any, path: str = "") -> str:
    """Where this very value lies, as a template names it; empty if nowhere."""
    parts = inside.items() if isinstance(inside, Mapping) else enumerate(inside) if isinstance(inside, tuple) else ()
    for name, value in parts:
        at = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}" if path else name
        if found := at if value is wanted else _path(wanted, value, at):
            return found
    return ""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import StrictUndefined, UndefinedError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import missing

    class Missing(StrictUndefined):
        """Its error knows what was asked."""

        __slots__ = ()

        def __init__(
            self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = UndefinedError
        ) -> None:
            def failed(message: str | None = None) -> Exception:
                error: Exception = exc(message)
                error.asked = obj  # type: ignore[attr-defined]
                return error

            super().__init__(hint, obj, name, failed)  # type: ignore[arg-type]

    class Sandbox(ImmutableSandboxedEnvironment):
        """No methods but a few on texts, no operators that grow a value without bound."""

        intercepted_binops = frozenset({"*", "**", "%", "//"})

        def getattr(self, obj: Any, attribute: str) -> Any:
            """Keys before methods, so that `params.items` is the parameter of that name."""
            if isinstance(obj, dict) and attribute in obj:
                return obj[attribute]
            return _unseen(super().getattr(obj, attribute))

        def getitem(self, obj: Any, argument: Any) -> Any:
            """The same with brackets."""
            return _unseen(super().getitem(obj, argument))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            """Numbers only, and small powers: `'a' * 10**10` would take all memory."""
            if not all(isinstance(v, (int, float)) for v in (left, right)):
                raise TypeError(f"{operator} takes numbers")
            if operator == "**" and (abs(right) > 64 or abs(left) > 1e6):
                raise OverflowError("power too large")
            return super().call_binop(context, operator, left, right)

        def is_safe_callable(self, obj: Any) -> bool:
            """Methods of texts that cannot grow them."""
            owner = getattr(obj, "__self__", None)
            name = getattr(obj, "__name__", "")
            safe = {
                "upper",
                "lower",
                "strip",
                "lstrip",
                "rstrip",
                "split",
                "startswith",
                "endswith",
                "title",
                "isdigit",
            }
            return (isinstance(owner, str) and name in safe) or (
                isinstance(owner, dict) and name in {"get", "keys", "items", "values"}
            )

    environment = Sandbox(undefined=Missing, autoescape=False, keep_trailing_newline=True, finalize=_only_values)
    environment.globals.clear()
    filters = environment.filters
    environment.filters = {name: filters[name] for name in _FILTERS}
    environment.filters |= {"replace": _replace, "join": _join, "tojson": _tojson}
    return environment


class _Method:
    """A method that may be called but not written: its text would show where it lies in memory."""

    def __init__(self, method: Any) -> None:
        self.method = method
        self.__self__ = getattr(method, "__self__", None)
        self.__name__ = getattr(method, "__name__", "")

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.method(*given, **named)

    def __repr__(self) -> str:
        raise TypeError("a method is no value")


def _unseen(value: Any) -> Any:
    from jinja2 import Undefined

    return _Method(value) if callable(value) and not isinstance(value, Undefined) else value


def _only_values(value: Any) -> Any:
    """What may stand in the result; the template itself may not."""
    from jinja2.runtime import TemplateReference

    if isinstance(value, TemplateReference):
        raise TypeError("a template is no value")
    return value


def _replace(value: Any, old: str, new: str) -> str:
    text = str(value)
    if len(text) + text.count(old) * len(new) > MAX_RESULT:
        raise OverflowError("too long")
    return text.replace(old, new)


def _join(value: Any, mark: str = "") -> str:
    parts = [str(part) for part in value]
    if sum(map(len, parts)) + len(parts) * len(mark) > MAX_RESULT:
        raise OverflowError("too long")
    return mark.join(parts)


def _tojson(value: Any, indent: int | None = None) -> str:
    from jinja2.utils import htmlsafe_json_dumps

    if indent is not None and not 0 <= indent <= INDENT_MAX:
        raise OverflowError("indented too far")
    return str(htmlsafe_json_dumps(value, indent=indent, sort_keys=True))


def _bounded(text: str) -> nodes.Template:
    """Parse, refusing what is long, loops, defines or includes."""
    from jinja2 import nodes

    if len(text) > MAX_TEMPLATE:
        raise ConfigError(f"the template has {len(text)} characters, {MAX_TEMPLATE} are allowed")
    tree = _environment().parse(text)
    refused = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block,
               nodes.Assign, nodes.AssignBlock, nodes.With, nodes.FilterBlock)  # fmt: skip
    for node in tree.find_all(refused):
        raise ConfigError(
            f"'{_brief(text)}' uses {type(node).__name__.lower()}; only values, filters and if are allowed"
        )
    if sum(1 for _ in tree.find_all(nodes.Node)) > 1_000:
        raise ConfigError(f"'{_brief(text)}' has more than 1000 parts; make it shorter")
    return tree


def _plain(value: Any, depth: int = 0) -> Any:
    """Plain data only: what has methods or attributes of its own becomes text."""
    if isinstance(value, Mapping) and depth < 20:
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and depth < 20:
        return tuple(_plain(item, depth + 1) for item in value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
