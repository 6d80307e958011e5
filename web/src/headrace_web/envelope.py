"""`{success, data, meta}` around every answer, and pages of lists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from headrace.infra.clock import now
from headrace.infra.merge_patch import merge_patch
from headrace.sdk.errors import ConfigError, PreconditionRequired
from litestar.params import HeaderParameter, QueryParameter
from msgspec import UNSET, Struct, UnsetType, convert

T = TypeVar("T")
StructT = TypeVar("StructT", bound=Struct)
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]
"""The row_version that a change builds on; see `base_version`."""


class ApiStruct(Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of request bodies: a field that we do not know is refused."""


class Pagination(Struct, kw_only=True):
    """Where a page stands."""

    page: int
    per_page: int
    total: int
    total_pages: int
    limit: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    has_more: bool | UnsetType = UNSET


class Meta(Struct, kw_only=True):
    """About the answer."""

    timestamp: datetime
    version: Literal["v1"] = "v1"
    pagination: Pagination | UnsetType = UNSET
    pins: dict[str, dict[str, Any]] | UnsetType = UNSET


class Envelope(Struct, Generic[T], kw_only=True):
    """A good answer."""

    success: bool = True
    data: T
    meta: Meta


class Paging(Struct, frozen=True):
    """The wanted part of a list."""

    limit: int
    offset: int
    by_offset: bool = False

    @property
    def page(self) -> int:
        """Number of the page, from 1."""
        return self.offset // self.limit + 1


def provide_paging(
    page: Annotated[int, QueryParameter(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    limit: Annotated[int | None, QueryParameter(ge=1, le=100)] = None,
    offset: Annotated[int | None, QueryParameter(ge=0, le=100_000_000)] = None,
) -> Paging:
    """`page` and `per_page`, or `limit` and `offset`."""
    if limit is None and offset is None:
        return Paging(per_page, (page - 1) * per_page)
    return Paging(limit or 20, offset or 0, by_offset=True)


def ok(data: T) -> Envelope[T]:
    """An answer with one thing."""
    return Envelope(data=data, meta=Meta(timestamp=now()))


def page_of(data: list[T], total: int, paging: Paging) -> Envelope[list[T]]:
    """An answer with a part of a list."""
    place = Pagination(page=paging.page, per_page=paging.limit, total=total, total_pages=-(-total // paging.limit))
    if paging.by_offset:
        place.limit, place.offset, place.has_more = paging.limit, paging.offset, paging.offset + len(data) < total
    return Envelope(data=data, meta=Meta(timestamp=now(), pagination=place))


def part_of(found: list[T], paging: Paging) -> Envelope[list[T]]:
    """The same of a short list that is there as a whole."""
    return page_of(found[paging.offset : paging.offset + paging.limit], len(found), paging)


def shown(kind: type[StructT], row: Any) -> StructT:
    """The fields of a row that an answer has."""
    return convert(row, kind, from_attributes=True)


def given(body: Struct, *leave_out: str) -> dict[str, Any]:
    """The fields that a merge patch sets."""
    fields = (name for name in body.__struct_fields__ if name not in leave_out)
    return {name: getattr(body, name) for name in fields if getattr(body, name) is not UNSET}


def merged(body: Struct, stored: Any, *leave_out: str) -> dict[str, Any]:
    """The fields that a merge patch sets; those that are objects as they will be, over those of `stored`."""
    fields = given(body, *leave_out)
    return {
        name: merge_patch(getattr(stored, name), value) if isinstance(value, dict) else value
        for name, value in fields.items()
    }


def base_version(if_match: str | None, row_version: int | UnsetType | None, what: str) -> int:
    """The version that a change builds on, from `If-Match` or the body.

    Raises:
        PreconditionRequired: neither is given.
        ConfigError: `If-Match` is no version.
    """
    if if_match:
        text = if_match.strip().removeprefix("W/").strip('"')
        if not text.isdecimal() or len(text) > 9:
            raise ConfigError('If-Match holds the row_version, e.g. If-Match: "3"', field="If-Match")
        return int(text)
    if row_version is None or row_version is UNSET:
        raise PreconditionRequired(f"changing a {what} needs its row_version (or If-Match); load it first")
    return row_version
