"""HDFS by WebHDFS or HttpFS."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class HdfsConfig(Config):
    """Which cluster and folder."""

    url: Annotated[
        str, Field("Address", "Of the name node or gateway.", examples=["https://hdfs.example.org:9871"], order=0)
    ]
    folder: Annotated[
        str, Field("Folder", pattern=r"^/", expected="a path that begins with /", examples=["/data"], order=1)
    ] = "/"
    user: Annotated[str, Field("User", "As the cluster knows it.", order=2)] = ""
    password: Annotated[Secret, Field("Password", "Of a gateway such as Knox.", order=3)] = Secret("")
    token: Annotated[Secret, Field("Delegation token", "Of a cluster with Kerberos.", order=4)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "HDFS", "Files of a Hadoop cluster, by WebHDFS", HdfsConfig, icon="lucide:server",
            proof="unproven", docs="Kerberos is not spoken; give a delegation token, or go through a gateway.",
        )
    ]  # fmt: skip
