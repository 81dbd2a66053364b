"""The chart, rendered by helm: golden files, Kubernetes' own schemas, Prometheus' checker, pod security."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.chart import (
    CHART,
    FOLDER,
    VALUE_SETS,
    existing_metrics,
    metrics_in,
    only,
    refusal,
    rendered,
    rendered_text,
    value_set,
    yaml,
)
from tests.deploy.tools import helm, must, promtool, python_tool

pytestmark = pytest.mark.integration

KUBERNETES = ("1.25.0", "1.31.0", "1.37.0")
# Kinds that operators bring; Kubernetes' own schemas do not know them.
FOREIGN = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute"}


def test_helm_finds_nothing_to_complain_about() -> None:
    for name in VALUE_SETS:
        must([helm(), "lint", "--strict", "--kube-version", "1.31.0", "--values", value_set(name), CHART])


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_chart_makes_what_the_golden_file_says(name: str) -> None:
    golden = FOLDER / "golden" / f"{name}.yaml"
    text = rendered_text(name)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text(), "make chart-test UPDATE_GOLDEN=1 writes it anew; look at the difference"


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", VALUE_SETS)
def test_kubernetes_accepts_it(name: str, version: str, tmp_path: Path) -> None:
    own = [each for each in rendered(name, kubernetes=version) if each["kind"] not in FOREIGN]
    assert len(own) >= 4
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump_all(own))
    must([python_tool("kubernetes-validate"), "--strict", "--kubernetes-version", version.rpartition(".")[0], file])


def test_the_checker_of_kubernetes_would_see_a_mistake(tmp_path: Path) -> None:
    deployment = only(rendered("minimal"), "Deployment")
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 3
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(deployment))
    with pytest.raises(pytest.fail.Exception, match="terminationGracePeriod"):
        must([python_tool("kubernetes-validate"), "--strict", "--kubernetes-version", "1.31", file])


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod."""
    return [*pod["containers"], *pod.get("initContainers", [])]


@pytest.mark.parametrize("name", VALUE_SETS)
def test_pods_meet_the_restricted_standard(name: str) -> None:
    pod = only(rendered(name), "Deployment")["spec"]["template"]["spec"]
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"].get("runAsUser") != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in container.get("ports", []))
    allowed = {"configMap", "emptyDir", "projected", "secret"}
    assert all(volume.keys() - {"name"} <= allowed for volume in pod["volumes"])
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize(("name", "seconds"), [("minimal", 33), ("production", 59), ("trial", 30)])
def test_the_grace_period_covers_pause_drain_and_end(name: str, seconds: int) -> None:
    pod = only(rendered(name), "Deployment")["spec"]["template"]["spec"]
    drain = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}["COUPLER_WORKER__DRAIN_SECONDS"]
    assert drain is not None
    assert pod["terminationGracePeriodSeconds"] == seconds > float(drain)


def test_the_pause_before_the_end_needs_no_shell() -> None:
    def hook(version: str) -> Any:
        pod = only(rendered("minimal", kubernetes=version), "Deployment")["spec"]["template"]["spec"]
        return pod["containers"][0]["lifecycle"]["preStop"]

    assert hook("1.31.0") == {"sleep": {"seconds": 3}}
    assert hook("1.29.4") == {"exec": {"command": ["python", "-c", "import time; time.sleep(3)"]}}
    trial = only(rendered("trial"), "Deployment")["spec"]["template"]["spec"]
    assert "lifecycle" not in trial["containers"][0]


def test_probes_ask_the_port_that_the_admin_server_has() -> None:
    objects = rendered("openshift")
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["COUPLER_ADMIN__PORT"] == "9000"
    assert container["ports"] == [{"name": "admin", "containerPort": 9000, "protocol": "TCP"}]
    paths = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["port"] for probe in paths.values()} == {"admin"}
    assert [probe["path"] for probe in paths.values()] == ["/health/startup", "/health/live", "/health/ready"]
    assert only(objects, "Service")["spec"]["ports"][0]["targetPort"] == "admin"


def test_secrets_are_a_folder_and_credentials_are_variables() -> None:
    objects = rendered("trial")
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    made = {each["metadata"]["name"]: each["stringData"] for each in objects if each["kind"] == "Secret"}
    assert made == {
        "connectors-credentials": {"COUPLER_ADMIN__TOKEN": "only-a-trial"},
        "connectors-secrets": {"SHOP_TOKEN": 'quotes " and : and {{ braces }}'},
    }
    assert container["envFrom"] == [{"secretRef": {"name": "connectors-credentials"}}]
    env = {each["name"]: each.get("value") for each in container["env"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounts["secrets"] == env["COUPLER_SECRETS__FILE__PATH"] == "/etc/coupler/secrets"


def test_an_autoscaler_decides_alone_over_the_replicas() -> None:
    for name in ("production", "keda"):
        assert "replicas" not in only(rendered(name), "Deployment")["spec"]
    assert only(rendered("minimal"), "Deployment")["spec"]["replicas"] == 2


def test_a_changed_configuration_makes_new_pods() -> None:
    sums = {
        only(rendered(name), "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for name in ("minimal", "production", "trial")
    }
    assert len(sums) == 3


@pytest.mark.parametrize("name", ["production", "keda"])
def test_prometheus_takes_the_alerts(name: str, tmp_path: Path) -> None:
    rules = only(rendered(name), "PrometheusRule")["spec"]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rules))
    assert "SUCCESS" in must([promtool(), "check", "rules", file])
    own = {metric for rule in rules["groups"][0]["rules"] for metric in metrics_in(rule["expr"])}
    assert {metric for metric in own if metric.startswith("coupler_")} <= existing_metrics()


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(only(rendered("keda"), "PrometheusRule")["spec"]))
    (tmp_path / "tests.yaml").write_text((FOLDER / "alerts.yaml").read_text())
    must([promtool(), "test", "rules", tmp_path / "tests.yaml"])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["replicaCount=x"], "at '/replicaCount': got string, want integer"),
        (["image.pulPolicy=Always"], "additional properties 'pulPolicy' not allowed"),
        (["config.gateway.auth.client_secret=x"], "under the name COUPLER_GATEWAY__AUTH__CLIENT_SECRET"),
        (["config.http.proxies.https.password=x"], "under the name COUPLER_HTTP__PROXIES__HTTPS__PASSWORD"),
        (["config.worker.drain_seconds=3"], "set shutdown.drainSeconds instead"),
        (["config.admin.port=3"], "set admin.port instead"),
        (["config.admin.enabled=false"], "the probes need the admin server"),
        (["autoscaling.enabled=true", "keda.enabled=true", "keda.serverAddress=http://p"], "Choose one"),
        (["autoscaling.enabled=true", "autoscaling.cpuUtilizationPercent=null"], "nothing to scale on"),
        (["keda.enabled=true"], "the address of Prometheus is needed"),
        (["serviceMonitor.enabled=true", "podMonitor.enabled=true"], "scraped twice"),
        (["serviceMonitor.enabled=true", "service.enabled=false"], "needs service.enabled"),
        (["podDisruptionBudget.minAvailable=1"], "exclude each other"),
        (["ingress.enabled=true"], "name at least one host"),
        (["httpRoute.enabled=true"], "name the gateway"),
    ],
)
def test_wrong_values_are_refused_with_a_reason(settings: list[str], text: str) -> None:
    assert text in refusal(*settings)
