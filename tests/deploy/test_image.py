"""The image, built from the unchanged Dockerfile and run as an operator would: read-only, no capabilities, no root."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.chart import CHART, ENGINE_METRICS, metrics_in, only, rendered, yaml
from tests.deploy.containers import (
    HARDENED,
    IMAGE,
    Container,
    build,
    compressed_bytes,
    inspected,
    make_base,
    podman,
    podman_command,
)
from tests.deploy.tools import ROOT, run
from tests.e2e.bpmn import Model
from tests.e2e.client import connect
from tests.e2e.plugins import install
from tests.e2e.processes import Engine, until
from tests.e2e.target import Target
from tests.ports import free_port
from tests.test_project import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LARGEST_COMPRESSED = 140_000_000
LARGEST_UNPACKED = 380_000_000


@pytest.fixture(scope="module")
def image() -> str:
    """The image with all connectors."""
    make_base()
    build(ROOT / "Dockerfile", ROOT, IMAGE, arguments={"VERSION": "1.2.3", "REVISION": "abcdef"})
    return IMAGE


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The embedded engine, on this host."""
    with Engine(tmp_path) as engine:
        yield engine


@pytest.fixture
def target() -> Iterator[Target]:
    """The other system."""
    with Target() as target:
        yield target


def inside(image: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs one command of the image to its end."""
    return run(podman_command("run", "--rm", *HARDENED, *options, image, *command))


def python(image: str, code: str) -> str:
    """What a program prints that runs in the image's Python."""
    done = inside(image, "-c", code, options=("--entrypoint", "python"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_small(image: str) -> None:
    unpacked, compressed = inspected(image)["Size"], compressed_bytes(image)
    print(f"\nimage: {compressed / 1e6:.0f} MB compressed, {unpacked / 1e6:.0f} MB unpacked")
    assert compressed <= LARGEST_COMPRESSED
    assert unpacked <= LARGEST_UNPACKED


def test_it_says_what_it_is_and_starts_without_a_shell(image: str) -> None:
    config = inspected(image)["Config"]
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["coupler"], ["run"])
    assert inspected(image)["Healthcheck"]["Test"] == ["CMD", "coupler", "healthcheck"]
    assert config["StopSignal"] in ("SIGTERM", "15")
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items() if "opencontainers" in name}
    assert labels["title"] == "Coupler"
    assert (labels["version"], labels["revision"]) == ("1.2.3", "abcdef")
    assert labels["licenses"] == PROJECT["project"]["license"]


def test_every_connector_and_every_extra_is_in_it(image: str) -> None:
    done = inside(image, "connectors", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = {each["plugin"]: each for each in json.loads(done.stdout)}
    assert listed.keys() == PROJECT["project"]["entry-points"]["coupler.connectors"].keys()
    assert [each for each in listed.values() if not each["enabled"]] == []
    needs = [need for extra in PROJECT["project"]["optional-dependencies"].values() for need in extra]
    names = sorted({re.split(r"[\[<>=;]", need)[0] for need in needs} - {"coupler"})
    found = python(image, f"import importlib.metadata as m; print([m.version(n) != '' for n in {names}])")
    assert found.strip() == str([True] * len(names))


def test_every_package_of_it_can_be_imported(image: str) -> None:
    code = (
        "import importlib, importlib.metadata as m, importlib.util, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "names = {n for d in m.distributions(path=['/opt/coupler/lib/python3.13/site-packages'])"
        " for n in {f.parts[0].split('.')[0] for f in d.files if f.suffix in ('.py', '.so')}"
        " if n.isidentifier()}\n"
        "failed = []\n"
        "for name in sorted(names):\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except Exception as error:\n"
        "        failed.append(f'{name}: {error}')\n"
        "print(len(names) > 40, failed)\n"
    )
    assert python(image, code).strip() == "True []"


def test_clients_of_the_kept_aws_services_can_be_made(image: str) -> None:
    services = python(
        image,
        "import boto3; s = boto3.Session(region_name='eu-central-1');"
        "print(*[s.client(n).meta.service_model.service_name for n in s.get_available_services()])",
    )
    assert services.split() == ["s3", "secretsmanager", "signin", "sso", "sso-oidc", "sts"]


def test_everything_is_compiled(image: str) -> None:
    missing = python(
        image,
        "import importlib.util as u, pathlib, sys\n"
        "standard = pathlib.Path(sys.base_prefix, 'lib', 'python3.13')\n"
        "folders = [pathlib.Path('/opt/coupler/lib'), *[standard / n for n in ('asyncio', 'email', 'http', 'json')]]\n"
        "print([str(p) for f in folders for p in f.rglob('*.py')"
        " if not pathlib.Path(u.cache_from_source(str(p))).exists()])",
    )
    assert missing.strip() == "[]"


class Deployed:
    """The container as the chart runs it: its variables, its folders, its port."""

    def __init__(self, image: str, engine: Engine, folder: Path) -> None:
        objects = rendered("trial")
        pod = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        env = {each["name"]: each["value"] for each in pod["env"]}
        self.port = free_port()
        env |= {"COUPLER_ADMIN__PORT": str(self.port), "COUPLER_ADMIN__HOST": "127.0.0.1"}
        config = only(objects, "ConfigMap")["data"]["coupler.yaml"].replace("zeebe:26500", engine.address)
        made = {each["metadata"]["name"]: each["stringData"] for each in objects if each["kind"] == "Secret"}
        env |= made["connectors-credentials"]
        self._write(folder / "config", {"coupler.yaml": config})
        self._write(folder / "secrets", made["connectors-secrets"])
        options = [f"--env={name}={value}" for name, value in env.items()]
        mounts = {each["name"]: each["mountPath"] for each in pod["volumeMounts"]}
        options += [f"--volume={folder / name}:{mounts[name]}:ro" for name in ("config", "secrets")]
        self.container = Container(image, *options, f"--tmpfs={mounts['tmp']}:rw,size=16m")

    @staticmethod
    def _write(folder: Path, files: dict[str, str]) -> None:
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)

    def get(self, path: str) -> httpx.Response | None:
        """Asks the admin server; ``None`` when it does not answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, trust_env=False)
        except httpx.TransportError:
            return None

    def answers(self, path: str, status: int) -> bool:
        """Whether the admin server answers so."""
        assert self.container.running, self.container.log()
        response = self.get(path)
        return response is not None and response.status_code == status


async def test_a_job_completes_and_sigterm_drains(image: str, engine: Engine, target: Target, tmp_path: Path) -> None:
    deployed = Deployed(image, engine, tmp_path)
    async with connect(engine.address, tmp_path) as client:
        with deployed.container as container:
            await asyncio.to_thread(until, lambda: deployed.answers("/health/ready", 200), "the container to be ready")

            # A job with a secret from the mounted folder completes.
            token = {"headers": '={"X-Instance": id, "X-Token": "{{secrets.SHOP_TOKEN}}"}'}
            await client.deploy(
                Model("shop").rest_task("call", f"{target.url}/ok", inputs=token).from_start_to_end("call"),
                Model("held").rest_task("call", f"{target.url}/held").from_start_to_end("call"),
            )
            await client.run("shop", id="one")
            assert target.all_calls()["one"][0].headers["X-Token"] == 'quotes " and : and {{ braces }}'

            # It runs as its user and without any capability, and cannot write but to /tmp.
            status = container.execute("python", "-c", "print(open('/proc/1/status').read())").stdout
            assert re.findall(r"^Uid:\s+(.*)$", status, re.MULTILINE) == ["10001\t10001\t10001\t10001"]
            assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
            assert "NoNewPrivs:\t1" in status
            (resident,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
            print(f"\nmemory after a job: {int(resident) / 1024:.0f} MiB")
            assert int(resident) / 1024 < requested_mebibytes()
            for folder, code in (("/opt/plugins", 1), ("/etc/coupler", 1), ("/tmp", 0)):
                write = f"open('{folder}/x', 'w')"
                assert container.execute("python", "-c", write).returncode == code, folder

            # The health check of the Dockerfile works, and alerts and dashboard ask for what is there.
            assert container.execute("coupler", "healthcheck").returncode == 0
            metrics = deployed.get("/metrics")
            assert metrics is not None
            wanted = metrics_in((CHART / "templates" / "_rules.tpl").read_text() + dashboard_expressions())
            served = set(re.findall(r"^([a-z_]+)[{ ]", metrics.text, re.MULTILINE))
            assert wanted - served == ENGINE_METRICS

            # SIGTERM: the running job finishes, the exit code is 0.
            running = asyncio.ensure_future(client.run("held", id="two"))
            await asyncio.to_thread(until, lambda: "two" in target.all_calls(), "the second call")
            stopping = asyncio.ensure_future(asyncio.to_thread(container.stop, 60))
            await asyncio.to_thread(until, lambda: deployed.answers("/health/ready", 503), "the container to drain")
            target.release()
            await running
            assert await stopping == 0
            assert "Traceback" not in container.log()


def requested_mebibytes() -> int:
    """The memory that the chart requests."""
    resources = only(rendered("minimal"), "Deployment")["spec"]["template"]["spec"]["containers"][0]["resources"]
    return int(resources["requests"]["memory"].removesuffix("Mi"))


def dashboard_expressions() -> str:
    """All that the dashboard asks for."""
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    return "\n".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_an_image_with_one_more_connector_takes_two_lines(image: str, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text()
    found = re.search(r"```dockerfile\n(.*?)```", guide, re.DOTALL)
    assert found is not None
    lines = found[1].strip().splitlines()
    assert len(lines) == 2
    source = (
        "from coupler.sdk import Connector, Input\n\n\n"
        "class Nothing(Input):\n    pass\n\n\n"
        "class Shout(Connector):\n    type = 'acme:shout:1'\n    name = 'Shout'\n    Input = Nothing\n\n"
        "    async def execute(self, input, context):\n        return {}\n"
    )
    install(tmp_path, "acme_shout", "shout = acme_shout:Shout", source)  # leaves its wheel in the folder
    # The guide installs from an index; here the package lies beside the Dockerfile.
    text = re.sub(r"^FROM \S+", f"FROM {image}", found[1]).replace('"install", ', '"install", "--no-index", ')
    text = re.sub(r'"[a-z-]+==[0-9.]+"', '"/wheels/acme_shout-1.0.0-py3-none-any.whl"', text)
    text = text.replace("\nRUN", "\nCOPY *.whl /wheels/\nRUN")
    (tmp_path / "Dockerfile").write_text(text)
    build(tmp_path / "Dockerfile", tmp_path, "localhost/coupler:more")

    done = inside("localhost/coupler:more", "connectors", "list", "--json")
    assert done.returncode == 0, done.stderr
    assert "acme:shout:1" in {each["type"] for each in json.loads(done.stdout)}
    assert inspected("localhost/coupler:more")["Config"]["User"] == "10001:10001"
    podman("rmi", "--force", "localhost/coupler:more")


def test_the_configuration_of_the_chart_is_readable_in_it(image: str, tmp_path: Path) -> None:
    config = only(rendered("minimal"), "ConfigMap")["data"]["coupler.yaml"]
    (tmp_path / "coupler.yaml").write_text(config)
    mount = f"--volume={tmp_path / 'coupler.yaml'}:/etc/coupler/coupler.yaml:ro"
    done = inside(image, "config", "show", "--changed", "--json", options=(mount,))
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(config)["gateway"]["grpc_address"] in done.stdout
