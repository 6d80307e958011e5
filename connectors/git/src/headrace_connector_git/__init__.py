"""Files of a git repository, as they are at a branch, tag or commit; read only."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class GitConfig(Config):
    """Which repository, and at which commit."""

    repository: Annotated[
        str,
        Field(
            "Repository",
            "An https address, or a folder below the files folder of this install.",
            examples=["https://git.example.org/team/data.git"],
            order=0,
        ),
    ]
    ref: Annotated[str, Field("Branch, tag or commit", "Empty is the default branch.", order=1)] = ""
    user: Annotated[str, Field("User", order=2)] = ""
    token: Annotated[Secret, Field("Token", "Access token or password.", order=3)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Git", "Files of a git repository at a branch, tag or commit", GitConfig,
            icon="lucide:git-branch", proof="real server", writes=False,
        )
    ]  # fmt: skip
