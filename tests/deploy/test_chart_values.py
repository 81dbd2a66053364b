"""The chart's values: all described, all with a default that the schema takes, and in step with the product."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from coupler import __version__
from coupler.settings import Sources, load
from tests.deploy.chart import (
    CHART,
    ENGINE_METRICS,
    VALUE_SETS,
    described,
    existing_metrics,
    fixed,
    leaves,
    metrics_in,
    schema,
    value_set,
    values,
    yaml,
)
from tests.deploy.values_table import in_readme, table


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Values as helm lays them over the defaults; null takes a default away."""
    result = copy.deepcopy(base)
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def complaints(over: dict[str, Any]) -> list[str]:
    """What the schema says to values."""
    validator = jsonschema_rs.validator_for(schema())
    return [error.message for error in validator.iter_errors(merged(values(), over))]


def test_every_value_is_described() -> None:
    undescribed = [path for path, _ in leaves(values()) if not (described(path) or {}).get("description")]
    assert undescribed == []


def test_the_schema_describes_nothing_that_has_no_default() -> None:
    optional = {"initialDelaySeconds", "successThreshold"}  # Kubernetes' own defaults are good
    known = {path for path, _ in leaves(values())}
    extra = []

    def walk(part: dict[str, Any], path: str) -> None:
        for name, inner in part.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            if fixed(here):
                walk(inner, here)
            elif here not in known and name not in optional:
                extra.append(here)

    walk(schema(), "")
    assert extra == ["global"]


def test_the_readme_has_the_table_of_all_values() -> None:
    assert in_readme() == table(), "python -m tests.deploy.values_table writes it anew"


def test_every_value_is_used_by_a_template() -> None:
    templates = "".join(path.read_text("utf-8") for path in (CHART / "templates").rglob("*.*"))
    unused = [path for path, _ in leaves(values()) if not re.search(rf"\.{path.rpartition('.')[2]}\b", templates)]
    # These three are written out whole.
    assert [path for path in unused if not path.startswith(("probes.", "config", "strategy"))] == []


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_schema_takes_each_set_of_values(name: str) -> None:
    assert complaints(yaml.safe_load(value_set(name).read_text())) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicaCount": "two"},
        {"image": {"pulPolicy": "Always"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"image": {"digest": "sha256:short"}},
        {"shutdown": {"drainSeconds": -1}},
        {"shutdown": {"marginSeconds": 0}},
        {"config": {"gatway": {}}},
        {"credentials": {"values": {"lower-case": "x"}}},
        {"podDisruptionBudget": {"maxUnavailable": "half"}},
        {"keda": {"minReplicas": 0}},
        {"admin": {"port": 70000}},
        {"networkPolicy": {"deniedRanges": ["everything"]}},
        {"prometheusRule": {"errorRatio": 20}},
        {"serviceMonitor": {"interval": "30"}},
        {"extraEnv": [{"value": "without a name"}]},
        {"tolerations": {"key": "not a list"}},
        {"probes": {"liveness": {"path": "/mine"}}},
        {"replicas": 3},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses(wrong: dict[str, Any]) -> None:
    assert complaints(wrong) != []


@pytest.mark.parametrize("name", VALUE_SETS)
def test_coupler_takes_the_configuration_of_each_set(name: str, tmp_path: Path) -> None:
    over = yaml.safe_load(value_set(name).read_text().replace("/etc/coupler/ca", str(tmp_path)))
    config = merged(values(), over)["config"]
    (tmp_path / "coupler.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "ca.crt").touch()
    of_the_secret = {f"COUPLER_GATEWAY__AUTH__{each}": "x" for each in ("CLIENT_ID", "CLIENT_SECRET")}
    loaded = load(Sources(environ=of_the_secret, folder=tmp_path))
    assert loaded.settings.gateway.grpc_address == over["config"]["gateway"]["grpc_address"]


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__


def test_alerts_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    rules = metrics_in((CHART / "templates" / "_rules.tpl").read_text())
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    scaling = metrics_in((CHART / "templates" / "scaledobject.yaml").read_text())
    assert len(rules) >= 8
    assert rules - existing_metrics() == ENGINE_METRICS
    assert set().union(*map(metrics_in, expressions)) - existing_metrics() == set()
    assert scaling == {"coupler_jobs_active"}


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) >= 15
