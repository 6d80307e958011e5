"""The work: the files kit as it is."""

from headrace.kits.files.connector import FilesConnector

from headrace_connector_local_files import LocalFilesConfig


class LocalFilesConnector(FilesConnector[LocalFilesConfig]):
    """Files below one folder of the worker."""
