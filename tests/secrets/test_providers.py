from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from coupler.errors import ConfigError, SecretsUnavailable
from coupler.secrets import SecretScope
from coupler.secrets.env import EnvironmentSecrets
from coupler.secrets.file import FileSecrets

SCOPE = SecretScope(tenant_id="acme", process_id="order", process_definition_key=1, element_id="call")


def files(folder: Path) -> FileSecrets:
    return FileSecrets(FileSecrets.Settings(path=folder))


async def test_environment_secrets_have_a_prefix() -> None:
    provider = EnvironmentSecrets(environ={"SECRET_A": "x", "B": "y"})

    assert await provider.get("A", SCOPE) == "x"
    assert await provider.get("B", SCOPE) is None
    assert await provider.get("C", SCOPE) is None


async def test_a_variable_without_the_prefix_is_hinted_at_once(caplog: pytest.LogCaptureFixture) -> None:
    provider = EnvironmentSecrets(environ={"B": "hunter2"})

    await provider.get("B", SCOPE)
    await provider.get("B", SCOPE)

    assert caplog.messages == [
        "Secret 'B' is not given to jobs: the variable B is set, but secrets are read from SECRET_B."
    ]


async def test_tenant_and_process_can_be_part_of_the_name() -> None:
    settings = EnvironmentSecrets.Settings(prefix="S_", tenant_aware=True, process_aware=True)
    provider = EnvironmentSecrets(settings, {"S_acme_order_A": "x"})

    assert await provider.get("A", SCOPE) == "x"


async def test_the_environment_can_be_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    provider = EnvironmentSecrets(EnvironmentSecrets.Settings(enabled=False, prefix=""), {"A": "x"})

    assert await provider.get("A", SCOPE) is None
    assert caplog.messages == []


async def test_bytes_in_the_environment_are_no_text() -> None:
    provider = EnvironmentSecrets(environ={"SECRET_A": os.fsdecode(b"\xff"), "SECRET_B": "ü"})

    assert await provider.get("B", SCOPE) == "ü"
    with pytest.raises(SecretsUnavailable, match="'A' is not UTF-8"):
        await provider.get("A", SCOPE)


def test_an_empty_prefix_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        EnvironmentSecrets(EnvironmentSecrets.Settings(prefix=""), {})

    assert "every environment variable" in caplog.text


async def test_a_file_is_a_secret_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"two\nlines\r\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "B").write_text("nested ü")

    assert await files(tmp_path).get("A", SCOPE) == "two\nlines"
    assert await files(tmp_path).get("sub/B", SCOPE) == "nested ü"
    assert await files(tmp_path).get("sub", SCOPE) is None
    assert await files(tmp_path).get("nope", SCOPE) is None
    assert await files(tmp_path).get("A/x", SCOPE) is None


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    provider = files(tmp_path)
    (tmp_path / "A").write_text("old")
    assert await provider.get("A", SCOPE) == "old"

    replacement = tmp_path / "new"
    replacement.write_text("new")
    os.replace(replacement, tmp_path / "A")
    assert await provider.get("A", SCOPE) == "new"

    (tmp_path / "A").unlink()
    assert await provider.get("A", SCOPE) is None


async def test_a_kubernetes_mount_is_followed_when_it_is_swapped(tmp_path: Path) -> None:
    # Given the layout of a secret volume: A -> ..data/A, ..data -> ..2024
    for version in ("2024", "2025"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "A").write_text(version)
    (tmp_path / "..data").symlink_to("..2024")
    (tmp_path / "A").symlink_to("..data/A")
    provider = files(tmp_path)
    assert await provider.get("A", SCOPE) == "2024"

    # When the kubelet swaps the link
    (tmp_path / "..data_tmp").symlink_to("..2025")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")

    # Then the next use sees the new value
    assert await provider.get("A", SCOPE) == "2025"


@pytest.mark.parametrize(
    "name", ["../outside", "..data/A", "/etc/hostname", "a/../../outside", "a//b", "", ".hidden", "a\0b"]
)
async def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "secrets"
    (folder / "a").mkdir(parents=True)
    (folder / ".hidden").write_text("x")
    (tmp_path / "outside").write_text("x")

    assert await files(folder).get(name, SCOPE) is None


async def test_a_link_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (tmp_path / "outside").write_text("x")
    (folder / "A").symlink_to(tmp_path / "outside")

    assert await files(folder).get("A", SCOPE) is None


async def test_a_folder_that_vanished_is_not_a_missing_secret(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    provider = files(folder)
    folder.rmdir()

    with pytest.raises(SecretsUnavailable):
        await provider.get("A", SCOPE)


async def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"\xff\xfe")

    with pytest.raises(SecretsUnavailable, match="'A'"):
        await files(tmp_path).get("A", SCOPE)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="COUPLER_SECRETS__FILE__PATH"):
        files(tmp_path / "nope")
