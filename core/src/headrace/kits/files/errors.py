"""What filesystems raise, as our errors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from headrace.sdk.errors import AuthError, ConfigError, HeadraceError, TransientError

CallT = TypeVar("CallT", bound=Callable[..., Any])
_AGAIN = (ConnectionError, TimeoutError, EOFError)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of a filesystem into ours.

    Raises:
        AuthError, ConfigError, TransientError: as it says.
    """
    try:
        yield
    except HeadraceError:
        raise
    except PermissionError as error:
        raise AuthError(
            "the file server does not allow it; check the user's rights on the folder", detail=repr(error)
        ) from None
    except FileNotFoundError as error:
        raise ConfigError(
            "the folder or bucket of the connection does not exist; create it or correct its name", detail=repr(error),
            field="root",
        ) from None  # fmt: skip
    except (*_AGAIN, OSError) as error:
        raise TransientError(
            "the file server broke off or does not answer; it is tried again", detail=repr(error)
        ) from None


def told(method: CallT) -> CallT:
    """A method, or a generator, whose filesystem errors are ours."""
    call: Any
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with translated():
                yield from method(*args, **kwargs)
    else:

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with translated():
                return method(*args, **kwargs)

    return call  # type: ignore[no-any-return]
