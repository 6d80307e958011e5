"""The error tree: an error's type is the host's next step."""

from __future__ import annotations

from typing import Any, ClassVar


class HeadraceError(Exception):
    """Base of every error with a sentence for the user.

    Attributes:
        message: One sentence for the user: what, which one, what to do next. Never holds a secret.
        hint: What to do next, when it does not fit the message.
        detail: Text for the log (driver message, trace); filtered for secrets by the caller.
        details: Structured fields for the API's error envelope.
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "", detail: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail
        self.details = details

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (type(self)._rebuild, (self.message, self.hint, self.detail, self.details))

    @classmethod
    def _rebuild(cls, message: str, hint: str, detail: str, details: dict[str, Any]) -> HeadraceError:
        return cls(message, hint=hint, detail=detail, **details)


class ConfigError(HeadraceError):
    """A setting is wrong; the user edits it. Never retried."""

    code = "VALIDATION_FAILED"
    status = 422


class AuthError(HeadraceError):
    """Credentials were refused by the other side; the connection is flagged. Never retried."""

    code = "CONNECTION_AUTH_FAILED"
    status = 424


class TransientError(HeadraceError):
    """The other side is away for now; retried with back-off.

    Attributes:
        retry_after_s: Seconds the other side asked to wait, if it did.
    """

    code = "UNAVAILABLE"
    status = 503

    def __init__(
        self, message: str, *, hint: str = "", detail: str = "", retry_after_s: float | None = None, **details: Any
    ) -> None:
        super().__init__(message, hint=hint, detail=detail, **details)
        self.retry_after_s = retry_after_s


class DataError(HeadraceError):
    """Rows do not fit; the node's `on_error` decides. `details` carries row, column, sample, count."""

    code = "DATA_INVALID"
    status = 422


class PluginError(HeadraceError):
    """A plugin is broken or missing; it is flagged. `details` carries plugin and distribution."""

    code = "PLUGIN_FAILED"
    status = 500


class ServiceError(HeadraceError):
    """Raised by services and routes, never by connectors or nodes."""

    code = "REFUSED"
    status = 400


class NotFound(ServiceError):
    """There is no such object, or the caller may not know of it."""

    code = "NOT_FOUND"
    status = 404


class Conflict(ServiceError):
    """Somebody else was faster, or a unique name is taken. `details` carries the current version."""

    code = "CONFLICT"
    status = 409


class PreconditionFailed(Conflict):
    """The caller's base version is stale."""

    code = "VERSION_CONFLICT"
    status = 412


class PreconditionRequired(ServiceError):
    """A change came without its base version."""

    code = "PRECONDITION_REQUIRED"
    status = 428


class Unauthenticated(ServiceError):
    """Nobody is signed in, or the token is not valid."""

    code = "UNAUTHENTICATED"
    status = 401


class Denied(ServiceError):
    """The caller's role does not allow this."""

    code = "PERMISSION_DENIED"
    status = 403


class FeatureOff(ServiceError):
    """The edition has not got this feature. `details` carries feature and editions."""

    code = "FEATURE_DISABLED"
    status = 403


class LimitReached(ServiceError):
    """A limit of the plan is used up. `details` carries limit, used, max."""

    code = "LIMIT_REACHED"
    status = 403
