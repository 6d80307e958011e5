"""The contract against a service that reads envelopes; both versions, faults, hostile names and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

import pytest
import stamina
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, DataError, TransientError, parse_config
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme
from headrace_connector_soap.envelope import SPACES

SPACE = "urn:example:stock"
PASSWORD = "p&ss<word>"
BOMB = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


class Stock:
    """Answers by the operation in the body, and says what was wrong as SOAP does."""

    def __init__(self) -> None:
        self.rows = [("A1", 3), ('B"2 😀', 0), ("C3", 12)]
        self.raw = b""
        self.fault = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(b"<definitions/>", 200 if asked.headers.get("authorization") else 401)
        kind = asked.headers["content-type"]
        version = "1.2" if kind.startswith("application/soap+xml") else "1.1"
        if self.raw:
            return Reply(self.raw)
        envelope = fromstring(asked.body)
        (call,) = list(envelope.find(f"{{{SPACES[version]}}}Body") or [])
        operation = call.tag.removeprefix(f"{{{SPACE}}}")
        told = (
            asked.headers.get("soapaction", "").strip('"') if version == "1.1" else kind.partition('action="')[2][:-1]
        )
        if told != f"{SPACE}/{operation}" or self.fault:
            return self._fault(version, self.fault or f"no action {told}")
        if operation == "ListStock":
            items = "".join(f"<item><sku>{sku}</sku><count>{count}</count></item>" for sku, count in self.rows)
            return self._good(version, f"<items>{items}</items>")
        if operation == "SetStock":
            sku, count = (call.findtext(f"{{{SPACE}}}{name}") or "" for name in ("sku", "count"))
            if not count.isdigit():
                return self._fault(version, f"{count} is no count")
            self.rows.append((sku, int(count)))
            return self._good(version, f"<sku>{escape(sku)}</sku>")
        return self._fault(version, "no such operation")

    def _good(self, version: str, inside: str) -> Reply:
        body = f'<r:Answer xmlns:r="{SPACE}">{inside}</r:Answer>'
        return self._reply(version, body, 200)

    def _fault(self, version: str, text: str) -> Reply:
        ours = "Server" not in text
        if version == "1.1":
            code = "Client" if ours else "Server"
            body = f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring></s:Fault>"
        else:
            code = "Sender" if ours else "Receiver"
            body = (f"<s:Fault><s:Code><s:Value>s:{code}</s:Value></s:Code><s:Reason><s:Text>{text}</s:Text></s:Reason>"
                    "</s:Fault>")  # fmt: skip
        return self._reply(version, body, 500)

    def _reply(self, version: str, body: str, status: int) -> Reply:
        whole = f'<s:Envelope xmlns:s="{SPACES[version]}"><s:Body>{body}</s:Body></s:Envelope>'
        return Reply(whole.encode(), status, {"content-type": "text/xml"})


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def stock() -> Stock:
    return Stock()


@pytest.fixture
def server(stock: Stock) -> Iterator[HttpServer]:
    with http_server(stock.answer) as running:
        yield running


def config_of(server: HttpServer, **more: Any) -> dict[str, Any]:
    return {"base_url": server.url, "namespace": SPACE, "auth": "basic", "user": "me", "password": PASSWORD, **more}


class TestSoap(ConnectorContract):
    connector_id = "soap"
    action_inputs = {"call": {"operation": "SetStock", "parameters": {"sku": "D<4>&", "count": 1}}}
    skip_reasons = no_streams(
        "a stream is an operation that a user names; test_records_of_an_answer_are_rows reads",
        test_a_repeated_action_has_one_effect="a call has no key that all services know (class C)",
    )

    @pytest.fixture
    def config(self, server: HttpServer) -> dict[str, Any]:
        return config_of(server)

    @pytest.fixture
    def bad_config(self, server: HttpServer) -> dict[str, Any]:
        return {name: value for name, value in config_of(server, auth="none").items() if name != "user"}


def entry() -> Any:
    return load_plugins(only=["connector-soap"], strict=True).registry.connector("soap")


@pytest.fixture(params=["1.1", "1.2"])
def connector(server: HttpServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    with closing(entry().open(config_of(server, version=request.param))) as opened:
        yield opened


def rows(connector: Any, **said: Any) -> list[dict[str, Any]]:
    options = parse_config(entry().manifest.read_options, {"records": "items.item", **said})
    stream = connector.stream("ListStock", options=options)
    return [row for frame in connector.read(stream, options=options) for row in frame.to_dicts()]


def call(connector: Any, operation: str, **parameters: Any) -> Any:
    given = {"operation": operation, "parameters": parameters}
    return connector.act("call", parse_config(entry().manifest.actions[0].input, given), key="k")


def test_records_of_an_answer_are_rows(connector: Any, stock: Stock) -> None:
    typed = rows(connector, columns={"sku": "text", "count": "integer"}, primary_key=["sku"])
    assert [(row["sku"], row["count"]) for row in typed] == stock.rows
    stock.rows = stock.rows[:1]
    assert rows(connector) == [{"sku": "A1", "count": "3"}], "one record is a list as well"
    stock.rows = []
    assert rows(connector, columns={"sku": "text"}) == []


def test_what_is_sent_is_an_element_whatever_it_holds(connector: Any, stock: Stock) -> None:
    call(connector, "SetStock", sku="]]></sku><evil/>", count=4)
    assert stock.rows[-1] == ("]]></sku><evil/>", 4)
    with pytest.raises(ConfigError, match="cannot be the name of an element"):
        call(connector, "Set><x", a=1)


def test_faults_are_errors_of_their_kind(connector: Any, stock: Stock, server: HttpServer) -> None:
    with pytest.raises(DataError, match="many is no count"):
        call(connector, "SetStock", sku="x", count="many")
    stock.fault = "Server is busy"
    with pytest.raises(TransientError, match="Server is busy"):
        rows(connector, columns={"sku": "text"})
    stock.fault = "authentication failed"
    with pytest.raises(AuthError, match="refuses the credentials"):
        rows(connector, columns={"sku": "text"})
    asked = len(server.asked)
    stock.fault = "Server is busy"
    with pytest.raises(DataError):
        call(connector, "SetStock", sku="x", count=1)
    assert len(server.asked) == asked + 1, "a call is sent once"


@pytest.mark.parametrize("raw", [BOMB, b"<html/>", b"{}", b"<a"])
def test_what_is_no_envelope_is_told(raw: bytes, connector: Any, stock: Stock) -> None:
    stock.raw = raw
    with pytest.raises(ConfigError, match="correct the address"):
        rows(connector, columns={"sku": "text"})


def test_a_username_token_goes_in_the_header(server: HttpServer) -> None:
    with closing(entry().open(config_of(server, auth="wsse"))) as opened:
        rows(opened, columns={"sku": "text"})
    body = fromstring(server.asked[-1].body)
    assert [one.text for one in body.iter() if one.tag.endswith(("}Username", "}Password"))] == ["me", PASSWORD]


def test_the_readme_s_flow(server: HttpServer) -> None:
    assert execute_readme(Path(__file__).parents[1], {"Stock": ("soap", config_of(server))})["few"].rows_out == 2
