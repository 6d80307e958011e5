"""What filesystems raise, as our errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.sdk.errors import AuthError, ConfigError, HeadraceError, TransientError


@contextmanager
def translated(broken: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn errors of a filesystem into ours.

    Args:
        broken: What its driver raises, besides the usual, when a link has broken.

    Raises:
        AuthError, ConfigError, TransientError: as it says.
        OSError: the disk is full.
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
    except (EOFError, OSError) + broken as error:  # noqa: RUF005 - mypy reads a sum of tuples
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise TransientError(
            "the file server broke off or does not answer; it is tried again", detail=repr(error)
        ) from None
