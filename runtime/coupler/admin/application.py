"""The admin application: probes, metrics, API and page, each a function over ``RuntimeView``."""

from __future__ import annotations

import platform
import time
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from coupler import __version__
from coupler.admin import models, pages, templates
from coupler.admin.config import AdminConfig
from coupler.admin.guard import Guard
from coupler.admin.view import EngineView, RuntimeView

Responses = dict[int | str, dict[str, Any]]
Limit = Annotated[int, Query(ge=1, le=1000)]

_DOWN: Responses = {503: {"model": models.Health, "description": "Down, with the reasons."}}
_UNKNOWN: Responses = {404: {"description": "No such connector serves jobs here."}}
_NO_INCIDENT: Responses = {404: {"description": "No such incident, or no embedded engine."}}
_NO_ENGINE: Responses = {404: {"description": "This process has no embedded engine."}}


def create_app(view: RuntimeView, registry: CollectorRegistry, config: AdminConfig | None = None) -> FastAPI:
    """Builds the application for a runtime."""
    config = config or AdminConfig()
    app = FastAPI(
        title="Coupler",
        version=__version__,
        summary="Health, metrics and state of this runtime.",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, listens_on=config.host, token=config.token)
    app.include_router(_health(view))
    app.include_router(_metrics(registry))
    app.include_router(_state(view, config))
    app.include_router(templates.router(view))
    app.include_router(_actions(view))
    pages.add_to(app)
    return app


def _health(view: RuntimeView) -> APIRouter:
    router = APIRouter(tags=["health"])

    # The second path of each probe is that of the Java runtime, so that deployments keep working.
    @router.get("/health/live", response_model=models.Health)
    @router.get("/actuator/health/liveness", response_model=models.Health, include_in_schema=False)
    async def live() -> models.Health:
        """Up while the process works. Says nothing about the cluster: a restart would not bring that back."""
        return models.Health(status="up")

    @router.get("/health/ready", response_model=models.Health, responses=_DOWN)
    @router.get("/actuator/health/readiness", response_model=models.Health, include_in_schema=False)
    async def ready(response: Response) -> models.Health:
        """Up while the cluster is reached and every subscription is open; down while draining."""
        return _judged(view.not_ready_because(), response)

    @router.get("/health/startup", response_model=models.Health, responses=_DOWN)
    @router.get("/actuator/health/startup", response_model=models.Health, include_in_schema=False)
    async def startup(response: Response) -> models.Health:
        """Up once the connectors are open and the subscriptions have begun; stays up."""
        return _judged(view.not_started_because(), response)

    return router


def _judged(reasons: list[str], response: Response) -> models.Health:
    if reasons:
        response.status_code = 503
        return models.Health(status="down", reasons=reasons)
    return models.Health(status="up")


def _metrics(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["metrics"])

    @router.get("/metrics", response_class=Response)
    @router.get("/actuator/prometheus", response_class=Response, include_in_schema=False)
    async def metrics() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _state(view: RuntimeView, config: AdminConfig) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["state"])

    @router.get("/info")
    async def info() -> models.Info:
        """What runs here, and against which cluster."""
        return models.Info(
            version=__version__,
            python=platform.python_version(),
            started_at=view.started_at,
            uptime_seconds=time.time() - view.started_at,
            gateway_address=view.gateway_address,
            gateway_reachable=view.gateway_reachable,
            draining=view.draining,
            ready=not view.not_ready_because(),
            embedded_engine=view.engine is not None,
            token_needed=config.token is not None,
        )

    @router.get("/connectors")
    async def connectors() -> list[models.Connector]:
        """Every installed connector and how it gets its jobs."""
        return models.connectors(view)

    @router.get("/jobs")
    async def jobs() -> list[models.Running]:
        """Jobs held right now."""
        return [models.Running.model_validate(job) for job in view.running()]

    @router.get("/jobs/recent")
    async def recent(limit: Limit = 100) -> list[models.Finished]:
        """Jobs that ended here, newest first."""
        return [models.Finished.model_validate(job) for job in view.recent()[:limit]]

    @router.get("/incidents", responses=_NO_ENGINE)
    async def incidents(limit: Limit = 100) -> list[models.OpenIncident]:
        """Open incidents of the embedded engine, newest first."""
        return [models.OpenIncident.model_validate(incident) for incident in await _engine(view).incidents(limit)]

    @router.get("/instances", responses=_NO_ENGINE)
    async def instances(limit: Limit = 100) -> list[models.ProcessInstance]:
        """Process instances of the embedded engine, newest first."""
        return [models.ProcessInstance.model_validate(instance) for instance in await _engine(view).instances(limit)]

    return router


def _actions(view: RuntimeView) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["actions"])

    @router.post("/connectors/{plugin}/pause", status_code=204, responses=_UNKNOWN)
    async def pause(plugin: str) -> None:
        """Takes no more jobs for a connector; those not yet started go back with unchanged retries."""
        await view.pause(_served(view, plugin))

    @router.post("/connectors/{plugin}/resume", status_code=204, responses=_UNKNOWN)
    async def resume(plugin: str) -> None:
        """Takes jobs again."""
        await view.resume(_served(view, plugin))

    @router.post("/incidents/{key}/resolve", status_code=204, responses=_NO_INCIDENT)
    async def resolve(key: int) -> None:
        """Lets what an incident of the embedded engine stopped try again; a job without retries gets one more."""
        if not await _engine(view).resolve(key):
            raise HTTPException(404, f"There is no incident {key}.")

    return router


def _served(view: RuntimeView, plugin: str) -> str:
    """The job type of a connector that serves jobs."""
    for registered in view.connectors():
        if registered.plugin == plugin and registered.enabled:
            return registered.type
    raise HTTPException(404, f"No connector {plugin!r} serves jobs here.")


def _engine(view: RuntimeView) -> EngineView:
    if view.engine is None:
        raise HTTPException(404, "This process has no embedded engine; look at the tools of your cluster.")
    return view.engine
