"""Counters of this process in Prometheus' text format; labels hold routes, never ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class Metrics:
    """Requests, their time, open sockets."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.sockets = 0

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests[method, route, status] += 1
        micro = int(seconds * 1_000_000)
        self.seconds[method, route] += micro

    def text(self, reads: Mapping[str, int]) -> str:
        """All of them, and where requests that only read were answered."""
        lines = ["# TYPE headrace_http_requests_total counter"]
        for (method, route, status), count in sorted(self.requests.items()):
            lines.append(f'headrace_http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE headrace_http_request_seconds summary")
        for (method, route), micro in sorted(self.seconds.items()):
            labels = f'method="{method}",route="{route}"'
            count = sum(n for (m, r, _), n in self.requests.items() if (m, r) == (method, route))
            lines.append(f"headrace_http_request_seconds_sum{{{labels}}} {micro / 1_000_000:.6f}")
            lines.append(f"headrace_http_request_seconds_count{{{labels}}} {count}")
        lines.append("# TYPE headrace_reads_total counter")
        lines += [f'headrace_reads_total{{database="{name}"}} {count}' for name, count in sorted(reads.items())]
        lines += ["# TYPE headrace_ws_connections gauge", f"headrace_ws_connections {self.sockets}"]
        return "\n".join(lines) + "\n"
