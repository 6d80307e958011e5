"""Calls of other services."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from headrace_plugin_n8n.step import Made, Step
from headrace_plugin_n8n.values import Unmapped, constant, held, listed, text

_HARMLESS = {"timeout", "redirect", "allowUnauthorizedCerts", "response"}


def request(step: Step) -> Made:
    """HTTP Request: a plain GET right after the start reads records; the connection is to be made."""
    method = constant(step.get("method", step.get("requestMethod", "GET")), "the method")
    if method != "GET":
        raise Unmapped(f"it sends {method}; choose an action or a write step of the service's connector")
    if step.get("sendBody") or step.get("sendHeaders"):
        raise Unmapped("it sends headers or a body; put them into a REST connection, and read with that")
    if set(step.options()) - _HARMLESS or held(step.options(), "response", "response", "responseFormat") not in {
        None, "json", "autodetect",
    }:  # fmt: skip
        raise Unmapped("it has options for pages, batches or the answer; say them in a REST: read step")
    if not step.started:
        raise Unmapped("it is called for each row that comes in; a REST: read step reads once")
    address = text(step.get("url", ""), "the address")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise Unmapped("its address is none that can be read")
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    if step.get("sendQuery"):
        for one in listed(held(step.node.parameters, "queryParameters", "parameters") or [], "the query"):
            params[text(one.get("name"), "the query")] = text(one.get("value"), "the query")
    signed = ", ".join(f"'{name}'" for name in step.node.credentials.values())
    notes = [f"choose a REST connection with the server {parts.scheme}://{parts.netloc}"]
    notes[0] += f", signed in as {signed} is in n8n" if signed else ""
    notes.append("say where the list of records is, unless the answer is a list; it reads when the flow starts")
    config = {
        "connection": "",
        "stream": parts.path.lstrip("/") or "/",
        "options": {"params": params} if params else {},
    }
    return Made(type="rest.read", config=config, inputs=(), notes=tuple(notes), shape="rows", alone=True)
