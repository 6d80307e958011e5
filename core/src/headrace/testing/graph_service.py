"""The drives of Microsoft Graph (v1.0) on loopback, built from Microsoft's reference."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from headrace.testing.drives import DriveService, Node, Session, span_of, stamp
from headrace.testing.http_server import Asked, Reply, json_reply

_ITEM = re.compile(r"/v1\.0/(.+?)/(?:root|items/([^/:]+))(?::/(.+?):?)?(?:/(children|content|createUploadSession))?")
UNIT = 320 * 1024


class GraphService(DriveService):
    """Microsoft Graph.

    Attributes:
        drives: Key of the uppermost folder, by the address of its drive.
        sites: Id of a site by its host and path; its libraries are `drives/{key}` of folders on the shelf.
    """

    bad_token = (401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."})

    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self.drives = {"users/ada@example.org/drive": self.shelf.top, "me/drive": self.shelf.top}
        self.sites: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.odd: list[dict[str, Any]] = []

    def grant(self, form: dict[str, str]) -> bool:
        """Client credentials."""
        self.must(form.get("scope") == f"{self.url}/.default", f"{form}")
        return form.get("grant_type") == "client_credentials" and form.get("client_secret") == "s3cret-of-an-app"

    def error(self, status: int, code: str, message: str, **headers: str) -> Reply:
        """An error as Graph writes it."""
        inner = {"date": "2026-03-01T12:00:00", "request-id": secrets.token_hex(8), "client-request-id": "c"}
        said = {"error": {"code": code, "message": message, "innerError": inner}}
        return json_reply(said, status, **headers)

    def unauthorized(self) -> Reply:
        """A token that is over."""
        return self.error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")

    def busy(self) -> Reply:
        """Throttled."""
        return self.error(429, "activityLimitReached", "The request has been throttled.", Retry_After="7")

    def missing(self) -> Reply:
        """Nothing there."""
        return self.error(404, "itemNotFound", "The resource could not be found.")

    def route(self, asked: Asked) -> Reply:
        """A request to Graph."""
        if asked.path.startswith("/v1.0/sites/"):
            return self.site(asked, unquote(asked.path.removeprefix("/v1.0/sites/")))
        found = _ITEM.fullmatch(asked.path)
        if not found:
            return self.refuse(asked)
        drive, key, path, verb = unquote(found[1]), found[2], unquote(found[3] or ""), found[4] or ""
        top = self.drives.get(drive)
        if top is None:
            return self.missing()
        start = top if key is None else unquote(key)
        node = self.shelf.at(path, start) if start in self.shelf.nodes else None
        if verb in {"content", "createUploadSession"} and path and asked.method != "GET":
            return self.sent(asked, start, path, node, verb)
        if node is None:
            return self.missing()
        if verb == "children":
            return self.listed(asked, node) if asked.method == "GET" else self.created(asked, node)
        if asked.method == "DELETE":
            self.shelf.remove(node)
            return Reply(b"", 204)
        self.must(asked.method == "GET" and not verb, f"{asked.method} {asked.path}")
        self.only(asked, "$select")
        return json_reply(self.facts(node, asked.query.get("$select", ""), top))

    def tag(self, node: Node) -> str:
        """The tag of a content."""
        return f'"c:{{{node.key[:8]}}},{node.version}"'

    def facts(self, node: Node, fields: str = "", top: str = "") -> dict[str, Any]:
        """An item."""
        every: dict[str, Any] = {
            "id": node.key, "name": "root" if node.key == top else node.name, "size": node.size,
            "eTag": f'"{{{node.key[:8]}}},{node.version}"', "createdDateTime": stamp(node.made),
            "lastModifiedDateTime": stamp(node.changed), "parentReference": {"id": node.parent},
        }  # fmt: skip
        if node.body is None:
            every["folder"] = {"childCount": len(self.shelf.below(node.key))}
        else:
            every |= {"file": {"mimeType": "application/octet-stream"}, "cTag": self.tag(node)}
            if not fields:
                link = secrets.token_urlsafe(16)
                self.links[link] = node.key
                every["@microsoft.graph.downloadUrl"] = f"{self.other}/dl?tempauth={link}"
        return {name: value for name, value in every.items() if not fields or name in fields.split(",")}

    def fetched(self, asked: Asked) -> Reply:
        """Contents and uploads, by addresses that carry their own right."""
        if asked.path == "/dl":
            node = self.shelf.nodes.get(self.links.get(asked.query["tempauth"], ""))
            return self.content(node, asked) if node else self.missing()
        session = self.sessions.get(asked.path.removeprefix("/up/"))
        return self.piece(asked, session) if session else self.missing()

    def listed(self, asked: Asked, node: Node) -> Reply:
        """A page of a folder."""
        self.only(asked, "$top", "$select", "$skiptoken")
        self.must(int(asked.query["$top"]) <= 1000, "pages have up to 1,000 items")
        at = int(asked.query.get("$skiptoken", "0"))
        found = self.shelf.below(node.key)
        value = [self.facts(one, asked.query["$select"]) for one in found[at : at + self.page]]
        more: dict[str, Any] = {}
        if len(found) > at + self.page:
            query = f"$top={asked.query['$top']}&$select={asked.query['$select']}&$skiptoken={at + self.page}"
            more = {"@odata.nextLink": f"{self.url}{asked.path}?{query}"}
        return json_reply({"@odata.context": "c", **more, "value": value + ([] if at else self.odd)})

    def created(self, asked: Asked, above: Node) -> Reply:
        """A new folder."""
        said = asked.json()
        self.must(said["folder"] == {} and said["@microsoft.graph.conflictBehavior"] == "fail", f"{said}")
        if self.shelf.child(above.key, said["name"]):
            return self.error(409, "nameAlreadyExists", "An item with the same name already exists.")
        return json_reply(self.facts(self.shelf.add(above.key, said["name"], None)), 201)

    def sent(self, asked: Asked, start: str, path: str, old: Node | None, verb: str) -> Reply:
        """A file in one request, or the begin of an upload."""
        self.must("/" not in path, "a new item is named in its folder")
        if start not in self.shelf.nodes:
            return self.missing()
        same = asked.headers.get("if-match")
        if same is not None and (old is None or same not in {self.tag(old), self.facts(old)["eTag"]}):
            return self.error(412, "resourceModified", "The resource has changed; the eTag does not match.")
        if verb == "content":
            self.must(asked.method == "PUT" and len(asked.body) <= 250 * 2**20, "at most 250 MB")
            place = self.shelf.fresh()
            place.write_bytes(asked.body)
            return json_reply(self.facts(self.filled(start, path, place)), 200 if old else 201)
        said = asked.json()["item"]
        self.must(said == {"@microsoft.graph.conflictBehavior": "replace", "name": path}, f"{said}")
        made = secrets.token_urlsafe(12)
        self.sessions[made] = Session(self.shelf.fresh(), facts={"parent": start, "name": path})
        return json_reply({"uploadUrl": f"{self.other}/up/{made}", "expirationDateTime": "2026-03-02T12:00:00Z"})

    def filled(self, parent: str, name: str, place: Path) -> Node:
        """A new file, or a new version of one."""
        there = self.shelf.child(parent, name)
        return self.shelf.fill(there, place) if there else self.shelf.add(parent, name, place)

    def piece(self, asked: Asked, session: Session) -> Reply:
        """A piece, or how far it is."""
        if asked.method == "PUT":
            first, last, size = span_of(asked)
            session.size = session.size or size
            self.must(size == session.size and len(asked.body) == last - first + 1, "sizes agree")
            self.must(last + 1 == size or len(asked.body) % UNIT == 0, "pieces are multiples of 320 KiB")
            self.must(len(asked.body) < 60 * 2**20, "pieces are below 60 MiB")
            if first < session.there:
                return self.error(416, "invalidRange", "The range was received before.")
            self.must(first == session.there, "pieces are sent in order")
            if session.add(asked.body) == size:
                del self.sessions[asked.path.removeprefix("/up/")]
                return json_reply(self.facts(self.filled(**session.facts, place=session.place)), 201)
        self.must(asked.method in {"PUT", "GET"}, asked.method)
        wanted = {"expirationDateTime": "2026-03-02T12:00:00Z", "nextExpectedRanges": [f"{session.there}-"]}
        return json_reply(wanted, 202 if asked.method == "PUT" else 200)

    def site(self, asked: Asked, place: str) -> Reply:
        """A site by its path, or its libraries."""
        self.only(asked, "$select", "$top", "$skiptoken")
        key, _, verb = place.partition("/drives")
        if place.endswith("/drives") and not verb:
            if key not in self.sites.values():
                return self.missing()
            at, found = int(asked.query.get("$skiptoken", "0")), self.shelf.below(self.shelf.top)
            value = [{"id": node.key, "name": node.name, "driveType": "documentLibrary"} for node in found[at : at + 2]]
            link = f"{self.url}{quote(asked.path)}?$select={asked.query['$select']}&$skiptoken={at + 2}"
            return json_reply({"value": value, **({"@odata.nextLink": link} if len(found) > at + 2 else {})})
        site = self.sites.get(place)
        return json_reply({"id": site, "displayName": "Sales"}) if site else self.missing()
