"""Secrets from a folder with one file per secret, as Kubernetes and Docker mount them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pydantic import BaseModel

from coupler.errors import ConfigError, SecretsUnavailable
from coupler.secrets.provider import SecretScope

MAX_BYTES = 1024 * 1024

_Version = tuple[int, int, int, int]


class FileSecrets:
    """Secret ``NAME`` is the content of the file ``NAME``, without one line break at its end.

    A file is looked at on every use and read again when it changed. Kubernetes swaps a whole mount by renaming the link
    ``..data``; the new files have other identities, so that is seen too.
    """

    name = "file"

    class Settings(BaseModel):
        """``COUPLER_SECRETS__FILE__…``"""

        path: Path

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path
        self._read: dict[str, tuple[_Version, str]] = {}
        if not self._folder.is_dir():
            raise ConfigError(f"COUPLER_SECRETS__FILE__PATH: {self._folder} is not a folder.")

    async def get(self, name: str, scope: SecretScope) -> str | None:
        """The content of the file, ``None`` when there is none of this name.

        Raises:
            SecretsUnavailable: the folder is gone or the file cannot be read.
        """
        if not _is_plain(name):
            return None
        path = self._folder / name
        try:
            return self._current(name, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._read.pop(name, None)
            if not self._folder.is_dir():
                raise SecretsUnavailable("The folder of secrets is not there.") from error
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SecretsUnavailable(f"The file of secret '{name}' cannot be read.") from error

    async def close(self) -> None:
        """Forgets what was read."""
        self._read.clear()

    def _current(self, name: str, path: Path) -> str | None:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or not _inside(path, self._folder):
            return None
        version = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        cached = self._read.get(name)
        if cached is not None and cached[0] == version:
            return cached[1]
        if found.st_size > MAX_BYTES:
            raise SecretsUnavailable(f"The file of secret '{name}' is larger than {MAX_BYTES} bytes.")
        value = path.read_bytes().decode("utf-8")
        value = value.removesuffix("\n").removesuffix("\r")
        self._read[name] = (version, value)
        return value


def _is_plain(name: str) -> bool:
    """Whether the name can be a file below the folder: no way up, nothing hidden, nothing absolute."""
    return "\0" not in name and all(part and not part.startswith(".") for part in name.split("/"))


def _inside(path: Path, folder: Path) -> bool:
    """Whether a link leads out of the folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
