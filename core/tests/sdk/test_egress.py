"""The door: what it refuses (T-SSRF-1 to 6 and 8). Loopback addresses stand in for public and internal ones."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from headrace.sdk.egress import EgressPolicy, check_host, check_url, current_policy, parse_allow
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.egress_names import checked_host
from headrace.sdk.errors import ConfigError, DataError, HeadraceError, TransientError
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply

CLOSED = EgressPolicy()
STAND_IN = parse_allow(["127.0.0.2"])
"""127.0.0.2 is public here, every other loopback address is internal."""


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://Example.ORG/a?b=c#d", "example.org", 443), ("http://1.1.1.1:8080", "1.1.1.1", 8080),
        ("http://[2606:4700::1111]/", "2606:4700::1111", 80), ("http://bücher.example/", "xn--bcher-kva.example", 80),
        ("http://a_b.example/x@y\u00e9", "a_b.example", 80),
    ],
)  # fmt: skip
def test_urls_that_are_read(url: str, host: str, port: int) -> None:
    place = check_url(url, policy=CLOSED)
    assert (place.host, place.port) == (host, port)
    assert check_host(place.host, port, policy=CLOSED, resolver=lambda *_: ["1.1.1.1"])


def test_the_message_names_host_and_setting() -> None:
    with pytest.raises(ConfigError, match=r"'db\.corp'.*HEADRACE_EGRESS_ALLOW=db\.corp:5432"):
        check_host("db.corp", 5432, policy=CLOSED, resolver=lambda *_: ["10.9.8.7"])


def test_one_bad_answer_of_several_is_refused() -> None:
    for answers in (["1.1.1.1", "10.0.0.1"], ["1.1.1.1", "::1"], ["169.254.169.254", "1.1.1.1"]):
        with pytest.raises(ConfigError):
            check_host("x.example", 443, policy=CLOSED, resolver=lambda *_, found=answers: found)


@pytest.mark.parametrize(
    ("entry", "opens", "stays"),
    [
        ("private", [("x", 1, "127.0.0.1"), ("x", 1, "10.1.1.1"), ("x", 1, "fd12::1"), ("x", 1, "::ffff:10.0.0.1")],
         [("x", 1, "100.64.0.1"), ("x", 1, "169.254.1.1"), ("x", 1, "fd00:ec2::254"), ("x", 1, "::")]),
        ("10.0.0.0/8", [("x", 1, "10.1.1.1")], [("x", 1, "192.168.0.1"), ("x", 1, "127.0.0.1")]),
        ("10.0.0.7:5432", [("x", 5432, "10.0.0.7")], [("x", 80, "10.0.0.7"), ("x", 5432, "10.0.0.8")]),
        ("db.corp:5432", [("db.corp", 5432, "10.0.0.7")], [("db.corp", 80, "10.0.0.7"), ("x", 5432, "10.0.0.7"),
                                                            ("db.corp", 5432, "169.254.169.254")]),
        ("[fd12::/16]:443", [("x", 443, "fd12::9")], [("x", 80, "fd12::9"), ("x", 443, "fd13::9")]),
        ("0.0.0.0/0", [("x", 1, "10.0.0.1")],
         [("x", 1, "169.254.169.254"), ("x", 1, "224.0.0.1"), ("x", 1, "0.0.0.0")]),
    ],
)  # fmt: skip
def test_the_operator_opens_what_an_entry_says_and_no_more(
    entry: str, opens: list[tuple[str, int, str]], stays: list[tuple[str, int, str]]
) -> None:
    policy = parse_allow([entry])
    assert [policy.verdict(*place) for place in opens] == ["open"] * len(opens)
    assert all(policy.verdict(*place) != "open" for place in stays)


@pytest.mark.parametrize(
    "entry", ["a b", "http://x", "10.0.0.0/33", "x:99999", "x:", "169.254.0.0/16", "::/128", "[::1", ""]
)
def test_entries_that_cannot_be_meant_are_named(entry: str) -> None:
    with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW"):
        parse_allow([entry])


def test_a_port_of_another_protocol_needs_its_own_entry() -> None:
    with pytest.raises(ConfigError, match="port 6379"):
        check_url("http://cache.corp:6379/", policy=parse_allow(["private", "cache.corp"]))
    assert check_url("http://cache.corp:6379/", policy=parse_allow(["cache.corp:6379"])).port == 6379


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW", raising=False)
    with pytest.raises(ConfigError):
        check_host("127.0.0.1", 5432)
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "127.0.0.1:5432")
    assert check_host("127.0.0.1", 5432) == ("127.0.0.1",)
    assert current_policy().verdict("x", 5433, "127.0.0.1") == "closed"


def test_a_name_that_does_not_exist_and_one_that_is_closed_are_told_apart_only_by_the_policy() -> None:
    def gone(*_: object) -> list[str]:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "no")

    with pytest.raises(ConfigError, match="is not known"):
        check_host("nowhere.example", 80, policy=CLOSED, resolver=gone)


@pytest.fixture
def public() -> Iterator[HttpServer]:
    with http_server(lambda _: json_reply({"ok": True}), "127.0.0.2") as server:
        yield server


@pytest.fixture
def internal() -> Iterator[HttpServer]:
    with http_server(lambda _: Reply(b"canary"), "127.0.0.3") as server:
        yield server


@pytest.fixture
def client() -> Iterator[EgressClient]:
    made = EgressClient(STAND_IN, deadline_s=5, answer_bytes=1_000_000)
    yield made
    made.close()


def test_the_answer_comes_through(client: EgressClient, public: HttpServer) -> None:
    answer = client.request("GET", f"{public.url}/a%20b?c=%2F&d", headers={"X-Mine": "1"})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b'{"ok": true}', "application/json")
    (asked,) = public.asked
    assert (asked.path, asked.query, asked.headers["x-mine"]) == ("/a%20b", {"c": "/", "d": ""}, "1")
    assert asked.headers["host"] == f"127.0.0.2:{public.port}"


def test_rebinding_reaches_nobody(public: HttpServer, internal: HttpServer) -> None:
    """The first look-up is public, every later one internal: only the first counts."""
    answers = itertools.chain([["127.0.0.2"]], itertools.repeat(["127.0.0.3"]))
    rebinding = EgressClient(STAND_IN, resolver=lambda *_: next(answers))
    assert rebinding.request("GET", f"http://rebind.example:{public.port}/").status == 200
    rebinding.close()
    with pytest.raises(ConfigError):
        rebinding.request("GET", f"http://rebind.example:{internal.port}/")
    assert internal.connections == 0
    assert public.asked[0].headers["host"] == f"rebind.example:{public.port}"


def test_mixed_answers_reach_nobody(public: HttpServer, internal: HttpServer) -> None:
    mixed = EgressClient(STAND_IN, resolver=lambda *_: ["127.0.0.2", "127.0.0.3"])
    with pytest.raises(ConfigError):
        mixed.request("GET", f"http://mixed.example:{public.port}/")
    assert (public.connections, internal.connections) == (0, 0)


def test_third_parties_clients_pass_the_same_door(internal: HttpServer) -> None:
    import httpx2
    from headrace.sdk.egress_http import EgressTransport

    with httpx2.Client(transport=EgressTransport(STAND_IN)) as theirs, pytest.raises(ConfigError):
        theirs.get(internal.url)
    assert internal.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_internal_address_is_refused(
    status: int, client: EgressClient, public: HttpServer, internal: HttpServer
) -> None:
    public.answer = lambda _: Reply(status=status, headers={"location": f"{internal.url}/canary"})
    with pytest.raises(ConfigError):
        client.request("GET", public.url)
    assert internal.connections == 0


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "gopher://127.0.0.2/", "ftp://127.0.0.2/", "//127.0.0.3/", "http://169.254.169.254/latest/",
     "http://a@127.0.0.2/", "\\\\127.0.0.3\\", "http://127.0.0.2:6379/", "http:127.0.0.3"],
)  # fmt: skip
def test_targets_of_redirects_are_read_as_strictly(
    target: str, client: EgressClient, public: HttpServer, internal: HttpServer
) -> None:
    public.answer = lambda _: Reply(status=302, headers={"location": target})
    with pytest.raises(HeadraceError):
        client.request("GET", public.url)
    assert (internal.connections, len(public.asked)) == (0, 1)


def test_five_redirects_are_followed_and_six_are_not(client: EgressClient, public: HttpServer) -> None:
    def answer(asked: Asked) -> Reply:
        left = int(asked.query["left"])
        return Reply(status=302, headers={"location": f"/?left={left - 1}"}) if left else Reply(b"end")

    public.answer = answer
    assert client.request("GET", f"{public.url}/?left=5").body == b"end"
    with pytest.raises(ConfigError, match="more than 5 times"):
        client.request("GET", f"{public.url}/?left=6")


def test_credentials_stay_with_their_origin(client: EgressClient, public: HttpServer) -> None:
    with http_server(lambda _: Reply(b"other"), "127.0.0.2") as other:
        public.answer = lambda asked: Reply(
            status=302, headers={"location": other.url if asked.path == "/away" else f"{public.url}/away"}
        )
        answer = client.request(
            "GET", f"{public.url}/start",
            headers={"Accept": "a/b", "Range": "bytes=5-", "Accept-Encoding": "identity", "Cookie": "c=1",
                     "Private-Token": "t0ken", "X-Trace": "k3y"},
            credentials={"Authorization": "Bearer t0ken", "X-Api-Key": "k3y"},
        )  # fmt: skip
    assert answer.body == b"other"
    assert [asked.headers.get("x-api-key") for asked in public.asked] == ["k3y", "k3y"]
    (seen,) = other.asked
    assert "t0ken" not in str(seen)
    assert "k3y" not in str(seen)
    assert "cookie" not in seen.headers
    assert [seen.headers[name] for name in ("accept", "range", "accept-encoding")] == ["a/b", "bytes=5-", "identity"]


def test_methods_and_bodies_over_redirects(client: EgressClient, public: HttpServer) -> None:
    public.answer = lambda asked: (
        Reply(b"end") if asked.path == "/end" else Reply(status=int(asked.path[1:]), headers={"location": "/end"})
    )
    for status, method, body in ((303, "GET", b""), (302, "GET", b""), (307, "POST", b"x"), (308, "POST", b"x")):
        client.request("POST", f"{public.url}/{status}", body=b"x", headers={"Content-Type": "text/plain"})
        assert (public.asked[-1].method, public.asked[-1].body) == (method, body)
    with http_server(lambda _: Reply(b"other"), "127.0.0.2") as other:
        public.answer = lambda _: Reply(status=307, headers={"location": other.url})
        with pytest.raises(ConfigError, match="redirects what was sent"):
            client.request("POST", public.url, body=b"secret form")
        assert other.asked == []


def endless(part: bytes) -> Callable[[Asked], Reply]:
    return lambda _: Reply(itertools.repeat(part))


def test_an_endless_answer_is_cut(client: EgressClient, public: HttpServer) -> None:
    public.answer = endless(b"x" * 10_000)
    with pytest.raises(DataError, match="larger than 1,000,000 bytes"):
        client.request("GET", public.url)


def test_a_packed_bomb_is_cut_before_it_is_unpacked(client: EgressClient, public: HttpServer) -> None:
    import tracemalloc

    bomb = gzip.compress(b"\0" * 200_000_000)
    public.answer = lambda _: Reply(bomb, headers={"content-encoding": "gzip"})
    tracemalloc.start()
    with pytest.raises(DataError, match="larger than"):
        client.request("GET", public.url)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("packing", ["br", "gzip, gzip", "zstd"])
def test_encodings_nobody_asked_for_are_refused(packing: str, client: EgressClient, public: HttpServer) -> None:
    public.answer = lambda _: Reply(b"xx", headers={"content-encoding": packing})
    with pytest.raises(DataError, match="was not asked for"):
        client.request("GET", public.url)


def test_packed_answers_are_unpacked_whole(client: EgressClient, public: HttpServer) -> None:
    text = b"".join(b"%d," % number for number in range(100_000))
    packed = gzip.compress(text)
    public.answer = lambda _: Reply(
        (packed[i : i + 777] for i in range(0, len(packed), 777)), headers={"content-encoding": "gzip"}
    )
    assert client.request("GET", public.url).body == text
    public.answer = lambda _: Reply(packed[:-20], headers={"content-encoding": "gzip"})
    with pytest.raises(TransientError, match="ended early"):
        client.request("GET", public.url)
    public.answer = lambda _: Reply(b"not packed", headers={"content-encoding": "gzip"})
    with pytest.raises(DataError, match="damaged"):
        client.request("GET", public.url)


def test_an_answer_in_drips_ends_at_the_deadline(public: HttpServer) -> None:
    import threading

    over = threading.Event()

    def drips() -> Iterator[bytes]:
        while not over.wait(0.05):
            yield b"x"

    public.answer = lambda _: Reply(drips())
    slow = EgressClient(STAND_IN, deadline_s=0.5)
    began = time.monotonic()
    with pytest.raises(TransientError, match="in time"):
        slow.request("GET", public.url)
    over.set()
    assert time.monotonic() - began < 30
    slow.close()


def test_a_closed_port_is_transient(client: EgressClient, public: HttpServer) -> None:
    with pytest.raises(TransientError, match="does not answer"):
        client.request("GET", "http://127.0.0.2:1999/")


def test_a_header_cannot_smuggle_another(client: EgressClient, public: HttpServer) -> None:
    with pytest.raises(HeadraceError):
        client.request("GET", public.url, headers={"X-A": "1\r\nX-B: 2"})
    assert public.asked == []


def test_random_text_never_leads_elsewhere() -> None:
    """What is read as a host is canonical: reading it again gives the same, and the URL names no other host."""
    from urllib.parse import urlsplit

    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=500, deadline=None)
    @given(st.text(max_size=30) | st.from_regex(r"[0-9a-fx.:@%\[\]/#?\\]{1,20}", fullmatch=True))
    def holds(text: str) -> None:
        try:
            place = check_url(f"http://{text}", policy=CLOSED)
        except ConfigError:
            return
        assert checked_host(place.host) == place.host
        assert urlsplit(place.url).hostname == place.host
        assert (urlsplit(place.url).port or 80) == place.port

    holds()
