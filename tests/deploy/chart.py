"""The chart as tests see it: rendered for one set of values, or read as files."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from coupler.admin.metrics import register
from coupler.telemetry.metrics import JobMetrics
from tests.admin.view import FakeView
from tests.deploy.tools import ROOT, helm, must, run

yaml: Any = importlib.import_module("yaml")

CHART = ROOT / "helm" / "coupler"
FOLDER = Path(__file__).parent
VALUE_SETS = sorted(path.stem for path in (FOLDER / "values").glob("*.yaml"))
KUBERNETES = "1.31.0"
OPERATORS = ("monitoring.coreos.com/v1", "keda.sh/v1alpha1", "gateway.networking.k8s.io/v1")

ENGINE_METRICS = frozenset({"zeebe_job_events_total", "zeebe_incident_events_total"})
"""Metrics of Zeebe itself, as its documentation names them; only alerts of the section ``engine`` may use them."""

_METRIC = re.compile(r"\b((?:coupler|process|python|zeebe)_[a-z_]+)\b(?!\s*[=!])")


def values() -> dict[str, Any]:
    """The defaults."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return loaded


@cache
def schema() -> dict[str, Any]:
    """The schema of the values."""
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    return loaded


def value_set(name: str) -> Path:
    """The file of one set of values."""
    return FOLDER / "values" / f"{name}.yaml"


def template_command(*arguments: str | Path, kubernetes: str = KUBERNETES) -> list[str | Path]:
    """The command that renders the chart in the namespace ``shop``."""
    operators = [word for each in OPERATORS for word in ("--api-versions", each)]
    command: list[str | Path] = [helm(), "template", "demo", CHART, "--namespace", "shop"]
    return [*command, "--kube-version", kubernetes, *operators, *arguments]


def rendered_text(name: str, *, kubernetes: str = KUBERNETES) -> str:
    """What the chart makes of a set of values."""
    return must(template_command("--values", value_set(name), kubernetes=kubernetes))


def rendered(name: str, *, kubernetes: str = KUBERNETES) -> list[dict[str, Any]]:
    """The same as objects."""
    return [each for each in yaml.safe_load_all(rendered_text(name, kubernetes=kubernetes)) if each]


def refusal(*settings: str) -> str:
    """What helm says to values that it must refuse."""
    done = run(template_command(*[word for each in settings for word in ("--set", each)]))
    assert done.returncode != 0, f"{settings} was accepted"
    return done.stderr


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one object of a kind."""
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; maps that users fill are leaves, and so are lists."""
    for name, value in tree.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(value, dict) and "additionalProperties" in (described(inner) or {}) and fixed(inner):
            yield from leaves(value, inner)
        else:
            yield inner, value


def described(path: str) -> dict[str, Any] | None:
    """The part of the schema for a path; ``None`` where it says nothing."""
    part = schema()
    for name in path.split("."):
        part = part.get("properties", {}).get(name)
        if part is None:
            return None
    return part


def fixed(path: str) -> bool:
    """Whether a section has a fixed set of names, each described."""
    part = described(path) or {}
    inner = part.get("properties", {})
    return part.get("additionalProperties") is False and all("description" in each for each in inner.values())


def metrics_in(text: str) -> set[str]:
    """The names of metrics in expressions."""
    return set(_METRIC.findall(text))


def existing_metrics() -> set[str]:
    """The names of all series that ``/metrics`` has, read off the real collectors."""
    registry = CollectorRegistry()
    JobMetrics(registry).for_type("t:1", "Echo")
    register(registry, FakeView())
    return {sample.name for family in registry.collect() for sample in family.samples}
