"""Only files below the folder are given, whatever names and links say."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest
from headrace.sdk import ConfigError, parse_config
from headrace_plugin_secrets_file import FileConfig
from headrace_plugin_secrets_file.backend import LARGEST, FileBackend

CANARY = "canary-of-a-file"
ONE, TWO = uuid4(), uuid4()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    (made / "..data").mkdir(parents=True)
    (made / "..data" / "shop").write_text(f"{CANARY}\n")
    (made / "shop").symlink_to("..data/shop")  # as Kubernetes mounts it
    (tmp_path / "outside").write_text(CANARY)
    (made / "outside").symlink_to(tmp_path / "outside")
    (made / "up").symlink_to("..")
    (made / "empty").write_text("")
    (made / "large").write_bytes(b"x" * (LARGEST + 1))
    (made / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(made / "pipe")
    return made


def backend(folder: Path | str) -> FileBackend:
    return FileBackend(parse_config(FileConfig, {"folder": str(folder)}))


def test_a_file_is_given(folder: Path) -> None:
    assert backend(folder).read("shop", ONE).reveal() == CANARY


WRONG = ("outside", "up/outside", "../outside", "/etc/passwd", "", ".", "none", "empty", "large", "binary", "pipe",
         "..data", "..data/shop", "shop\n", "shop/", "a//b", "shop\0")  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_others_are_not(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        backend(folder).read(name, ONE)
    assert f"'file:{name}'" in caught.value.message
    assert CANARY not in repr(caught.value.__dict__)


def test_organizations_have_their_own(tmp_path: Path) -> None:
    (tmp_path / str(ONE)).mkdir()
    (tmp_path / str(ONE) / "shop").write_text(CANARY)
    opened = backend(tmp_path / "{organization}")
    assert opened.read("shop", ONE).reveal() == CANARY
    with pytest.raises(ConfigError):
        opened.read("shop", TWO)
    with pytest.raises(ConfigError):
        opened.read(f"../{ONE}/shop", TWO)


def test_a_folder_is_absolute() -> None:
    with pytest.raises(ConfigError):
        backend("secrets")
