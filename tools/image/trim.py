"""Takes out of an installed environment what a running worker never reads.

Usage: ``trim.py /opt/coupler``. botocore describes every service of AWS; kept are the few that connectors and the
secret provider talk to, and those that its search for credentials may ask. Tests, type stubs and C sources of packages
go too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

AWS_SERVICES = frozenset({"s3", "secretsmanager", "signin", "sso", "sso-oidc", "sts"})

_TEST_FOLDERS = frozenset({"test", "tests"})
_SOURCES = frozenset({".c", ".cpp", ".h", ".pxd", ".pyi", ".pyx"})


def trim_aws(site: Path) -> None:
    """Removes the descriptions of AWS services that nobody uses; files that belong to all services stay."""
    data = site / "botocore" / "data"
    for service in data.iterdir() if data.is_dir() else ():
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)
    shutil.rmtree(site / "boto3" / "examples", ignore_errors=True)


def trim_packages(site: Path) -> None:
    """Removes what is only there for developers of the packages."""
    for path in sorted(site.rglob("*")):
        if path.is_dir() and path.name in _TEST_FOLDERS and (path / "__init__.py").exists():
            shutil.rmtree(path)
        elif path.suffix in _SOURCES and path.is_file():
            path.unlink()


def link_plugins(site: Path) -> None:
    """Packages in /opt/plugins, which images built on this one may add, are found after everything else."""
    (site / "plugins.pth").write_text(f"/opt/plugins/lib/{site.parent.name}/site-packages\n", "utf-8")


def main(environment: Path) -> None:
    """Trims the environment and prints its size."""
    (site,) = environment.glob("lib/python3.*/site-packages")
    trim_aws(site)
    trim_packages(site)
    link_plugins(site)
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
    sys.stdout.write(f"{environment}: {size / 1e6:.0f} MB without bytecode\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
