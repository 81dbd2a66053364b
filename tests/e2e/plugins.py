"""Connectors of strangers: real wheels, installed by pip into a folder of their own."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path


def install(directory: Path, distribution: str, entry_points: str, source: str) -> Path:
    """Builds a wheel of one module named like the distribution and installs it.

    Returns the folder to put on ``PYTHONPATH``.
    """
    site = directory / "site"
    wheel = _wheel(directory, distribution, entry_points, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run([*command, "--disable-pip-version-check"], check=True, capture_output=True, timeout=120)
    return site


def _wheel(directory: Path, distribution: str, entry_points: str, source: str) -> Path:
    info = f"{distribution}-1.0.0.dist-info"
    files = {
        f"{distribution}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[coupler.connectors]\n{entry_points}\n",
    }
    records = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,", ""])
    wheel = directory / f"{distribution}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
