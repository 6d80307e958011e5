"""A session in the sandbox: calls with bounds, what they print, and why they failed."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack, suppress
from typing import Any, Final

from headrace.sdk import DataError, NodeContext

from headrace_node_code.configs import CodeConfig
from headrace_node_code.driver import DRIVER, USER_FILE
from headrace_node_code.output import Printed
from headrace_node_code.pool import GRACE_S, confine, pool
from headrace_node_code.source import source

MAX_REASON: Final = 500
POLL_S: Final = 0.25


class CodeError(Exception):
    """The user's code raised.

    Attributes:
        reason: Type and message of the exception, and its line in the code.
    """

    def __init__(self, text: str, line: int) -> None:
        self.reason = f"{text[:MAX_REASON]}{f' (line {line} of the code)' if line else ''}"
        super().__init__(self.reason)


class Sandbox:
    """One process, one session, for one step. Nothing of the host's is handed in but plain data."""

    def __init__(self, ctx: NodeContext, config: CodeConfig) -> None:
        self.where = "before the first row"
        self.rows = 0
        self._ctx = ctx
        self._config = config
        self._source = source(config.code, config.mode)
        self._printed = Printed(ctx)
        self._used = 0.0
        self._stack = ExitStack()

    def __enter__(self) -> Sandbox:
        """Start the process and define the user's function."""
        config = self._config
        try:
            workers = self._stack.enter_context(pool(config.seconds))
            self._thread = self._stack.enter_context(ThreadPoolExecutor(1, "code"))
            limits: Any = {
                "max_feed_duration_secs": config.seconds, "max_memory": config.memory_mb << 20,
                "max_recursion_depth": config.recursion, "max_suspensions": 1_000_000,
            }  # fmt: skip
            policy: Any = {"sleep": "call_host", "random_start": {"seed": self._ctx.effect_key}}
            self._session = self._stack.enter_context(workers.checkout(limits=limits, os_policy=policy))
            self._pid = self._session.worker_pid
            confine(self._pid, config.memory_mb << 20, config.total_seconds)
            self.call(DRIVER)
            try:
                self.call(self._source.text, {"params": plain(self._ctx.params)})
            except CodeError as error:
                raise DataError(f"the code failed {self.where}: {error.reason}", field="code") from None
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process; what was printed last goes to the log."""
        self._stack.close()
        self._printed.flush(last=True)

    def call(self, code: str, inputs: dict[str, Any] | None = None) -> Any:
        """Execute a snippet.

        Raises:
            CodeError: the user's code raised.
            DataError: it used up its time or memory.
            Cancelled: the execution is being cancelled; the process is ended.
        """
        from pydantic_monty import (
            MontyConversionError,
            MontyCrashedError,
            MontyError,
            MontyRuntimeError,
            MontySyntaxError,
        )

        started = time.monotonic()
        if self._used > self._config.total_seconds:
            raise self._limit("time", "total_seconds", f"{self._config.total_seconds:g} s in all")
        try:
            return self._wait(
                self._thread.submit(
                    self._session.feed_run, code, inputs=inputs, print_callback=self._printed.take, skip_type_check=True
                )
            )
        except MontyCrashedError as error:
            if error.timed_out:
                raise self._limit("time", "seconds", f"{self._config.seconds:g} s") from None
            raise DataError(
                f"the sandbox ended unexpectedly {self.where}; raise 'memory_mb', or make the code use less",
                detail=str(error), field="memory_mb",
            ) from None  # fmt: skip
        except (MontyRuntimeError, MontySyntaxError) as error:
            raise self._told(error) from None
        except MontyConversionError as error:
            raise DataError(
                f"the sandbox does not take a value {self.where}; cast it before", detail=str(error)
            ) from None
        except MontyError as error:
            raise CodeError(str(error), 0) from None
        except (ValueError, OverflowError) as error:
            raise DataError(
                f"the code gave a value {self.where} that no frame can hold", detail=str(error), field="code"
            ) from None
        finally:
            self._used += time.monotonic() - started
            self._printed.flush()

    def _wait(self, feed: Future[Any]) -> Any:
        """The result; meanwhile progress is reported, which is where a cancellation shows."""
        deadline = time.monotonic() + self._config.seconds + 2 * GRACE_S
        try:
            while True:
                try:
                    return feed.result(POLL_S)
                except NotYet:
                    if feed.done():
                        continue
                    self._printed.flush()
                    self._ctx.progress(self.rows)
                    if time.monotonic() > deadline:
                        raise self._limit("time", "seconds", f"{self._config.seconds:g} s") from None
        except BaseException:
            if not feed.done() and self._pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
            raise

    def _told(self, error: Any) -> Exception:
        text = error.display("type-msg")
        if text.startswith("TimeoutError: feed time limit exceeded"):
            return self._limit("time", "seconds", f"{self._config.seconds:g} s")
        if text.startswith(("MemoryError: memory limit exceeded", "MemoryError: the worker exceeded")):
            return self._limit("memory", "memory_mb", f"{self._config.memory_mb} MB")
        lines = [frame.line for frame in error.traceback() if frame.filename == USER_FILE]
        return CodeError(text, max(lines[-1] - self._source.offset, 1) if lines else 0)

    def _limit(self, what: str, field: str, most: str) -> DataError:
        return DataError(
            f"the code used up its {what}, {most}, {self.where}; make it use less, give it smaller batches, or raise "
            f"'{field}'",
            field=field,
        )


def plain(value: Any, depth: int = 0) -> Any:
    """Data only: what has methods or attributes of its own becomes text."""
    from collections.abc import Mapping

    if isinstance(value, Mapping) and depth < 20:
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and depth < 20:
        return [plain(item, depth + 1) for item in value]
    return value if value is None or type(value) in {str, int, float, bool} else str(value)
