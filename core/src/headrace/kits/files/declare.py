"""What all connectors of files declare alike."""

from __future__ import annotations

from typing import Annotated, Any

from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.sdk.config import Config, Field, Secret
from headrace.sdk.manifests import Capability, ConnectorManifest, EffectClass, OAuthFlow, Proof, lazy

DOCS = """A stream is a path, a folder or a glob, e.g. `2026/*.csv`; several files become one table by column names, and
folders like `year=2026` become columns. CSV, TSV, JSON, NDJSON, Parquet, Excel, Avro, ORC, Arrow, XML, YAML and fixed
width are read; gzip, zstd, bz2, xz, zip and tar are unpacked.

Lines that do not fit go to the error port with their number and reason; without an edge there, the step fails and names
the first. Writing shows each file whole, or not at all."""


class PersonConfig(Config, kw_only=True):
    """The app by which a person connects an account; a connector adds `auth`, whose first value is `oauth2_code`."""

    client_id: Annotated[str, Field("Client id", visible_if={"auth": "oauth2_code"}, order=1)] = ""
    client_secret: Annotated[Secret, Field("Client secret", visible_if={"auth": "oauth2_code"}, order=2)] = Secret("")


def files_manifest(
    package: str, title: str, summary: str, config: type[Config], *, icon: str, proof: Proof, docs: str = "",
    writes: bool = True, distant: bool = True, more: frozenset[Capability] = frozenset(),
    oauth: OAuthFlow | None = None,
) -> ConnectorManifest:  # fmt: skip
    """The manifest of a connector of files; its class is `connector.py`'s.

    Args:
        package: `__name__` of the declaration.
        title: For people.
        summary: One sentence.
        config: Of a connection.
        icon: From the icon set.
        proof: How it is tested.
        docs: What is particular to it, in front of what all have in common.
        writes: Files can be written.
        distant: It reaches other machines.
        more: Further capabilities.
        oauth: How a person connects it, if one does.
    """
    name = package.removeprefix("headrace_connector_")
    can = {Capability.READ, Capability.SCAN, Capability.FILES, Capability.INCREMENTAL, *more}
    writing: dict[str, Any] = {"write_options": WriteOptions, "effect_class": EffectClass.IDEMPOTENT} if writes else {}
    return ConnectorManifest(
        id=name, title=title, category="cloud" if distant else "file", summary=summary, config=config,
        factory=lazy(f"{package}.connector:{_class(name)}Connector"), read_options=ReadOptions, icon=icon, proof=proof,
        capabilities=frozenset(can | ({Capability.WRITE} if writes else set())),
        docs=f"{docs}\n\n{DOCS}".strip(), oauth=oauth, **writing,
    )  # fmt: skip


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
