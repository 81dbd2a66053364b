"""What camunda-orchestration-sdk makes of the engine's REST API. A program of its own: that package lives elsewhere.

python sdk_scenario.py ADDRESS FILE.bpmn     prints what it has seen, as JSON
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import sys
from collections.abc import Awaitable
from typing import Any

sdk: Any = importlib.import_module("camunda_orchestration_sdk")
models: Any = importlib.import_module("camunda_orchestration_sdk.models")
errors: Any = importlib.import_module("camunda_orchestration_sdk.errors")
types: Any = importlib.import_module("camunda_orchestration_sdk.types")
runtime: Any = importlib.import_module("camunda_orchestration_sdk.runtime.job_worker")


def start(process_id: str, **more: Any) -> Any:
    """A wish for an instance."""
    return models.ProcessCreationById.from_dict({"processDefinitionId": process_id, **more})


async def activated(client: Any, job_type: str) -> list[Any]:
    """Jobs, waited for."""
    wish = {"type": job_type, "timeout": 60_000, "maxJobsToActivate": 5, "worker": "sdk", "requestTimeout": 10_000}
    jobs: list[Any] = (await client.activate_jobs(data=models.JobActivationRequest.from_dict(wish))).jobs
    return jobs


async def refusal(call: Awaitable[Any]) -> str:
    """The class of the error that a call ends with."""
    try:
        await call
    except errors.ApiError as error:
        return type(error).__name__
    return "none"


async def lives(client: Any, file: str, seen: dict[str, Any]) -> None:
    """One instance: deployed, started, failed, resolved, completed."""
    topology = await client.get_topology()
    seen["topology"] = [topology.cluster_size, topology.brokers[0].partitions[0].health.value]
    deployed = await client.deploy_resources_from_files([file])
    process = deployed.processes[0]
    seen["deployed"] = [process.process_definition_id, process.process_definition_version]
    seen["xml"] = await client.get_process_definition_xml(process.process_definition_key)
    created = await client.create_process_instance(data=start("p", variables={"x": 1.5, "text": "ä"}))
    instance = created.process_instance_key

    (job,) = await activated(client, "work")
    seen["job"] = [job.process_instance_key == instance, job.variables.to_dict(), job.custom_headers.to_dict()]
    longer = models.JobUpdateRequest.from_dict({"changeset": {"timeout": 90_000}})
    await client.update_job(job.job_key, data=longer)
    failure = {"retries": 0, "errorMessage": "broken", "retryBackOff": 0, "variables": {"seen": True}}
    await client.fail_job(job.job_key, data=models.JobFailRequest.from_dict(failure))
    seen["completed while failed"] = await refusal(client.complete_job(job.job_key))

    found = await client.search_incidents(
        data=models.IncidentSearchQuery.from_dict({"filter": {"processInstanceKey": instance}})
    )
    (incident,) = found.items
    seen["incident"] = [incident.error_type.value, incident.error_message, incident.job_key == job.job_key]
    more = models.JobUpdateRequest.from_dict({"changeset": {"retries": 1}})
    await client.update_job(job.job_key, data=more)
    await client.resolve_incident(incident.incident_key)
    (again,) = await activated(client, "work")
    done = models.JobCompletionRequest.from_dict({"variables": {"done": [1, None]}})
    await client.complete_job(again.job_key, data=done)
    ended = await client.get_process_instance(instance)
    seen["ended"] = [ended.state.value, ended.has_incident, ended.end_date >= ended.start_date]
    seen["gone"] = await refusal(client.complete_job(again.job_key))


async def worker_and_result(client: Any, seen: dict[str, Any]) -> None:
    """The SDK's own worker, and an instance whose result is waited for; an error, and a message."""

    async def work(job: Any) -> dict[str, Any]:
        return {"y": job.variables.to_dict()["x"] * 2}

    config = runtime.WorkerConfig(job_type="work", job_timeout_milliseconds=60_000, request_timeout_milliseconds=5_000)
    worker = client.create_job_worker(config, work)
    result = await client.create_process_instance(data=start("p", variables={"x": 21}, awaitCompletion=True))
    seen["result"] = result.variables.to_dict()
    await worker.aclose()
    seen["too long"] = await refusal(
        client.create_process_instance(data=start("p", awaitCompletion=True, requestTimeout=50))
    )
    (job,) = await activated(client, "work")
    await client.throw_job_error(job.job_key, data=models.JobErrorRequest.from_dict({"errorCode": "NOPE"}))
    (repair,) = await activated(client, "repair")
    await client.cancel_process_instance(repair.process_instance_key, data=None)
    seen["cancelled"] = (await client.get_process_instance(repair.process_instance_key)).state.value
    seen["cancelled again"] = await refusal(client.cancel_process_instance(repair.process_instance_key, data=None))
    active = models.ProcessInstanceSearchQuery.from_dict({"filter": {"state": "ACTIVE"}})
    seen["active"] = (await client.search_process_instances(data=active)).page.total_items
    said = models.MessagePublicationRequest.from_dict({"name": "m", "correlationKey": "1", "timeToLive": 0})
    seen["message"] = (await client.publish_message(data=said)).message_key.isdigit()
    seen["other tenant"] = await refusal(client.create_process_instance(data=start("p", tenantId="other")))


async def documents(client: Any, seen: dict[str, Any]) -> None:
    """A document: stored, read, linked, deleted."""
    file = types.File(payload=io.BytesIO(b"\r\n--hello\r\n"), file_name="grüße.txt", mime_type="text/plain")
    metadata = models.DocumentMetadata.from_dict({"fileName": "b.txt", "customProperties": {"x": 1}})
    stored = await client.create_document(data=models.CreateDocumentData(file=file, metadata=metadata))
    seen["document"] = [stored.metadata.file_name, stored.metadata.size, stored.metadata.custom_properties.to_dict()]
    read = await client.get_document(stored.document_id, content_hash=stored.content_hash)
    seen["content"] = read.payload.read().decode()
    link = await client.create_document_link(
        stored.document_id, data=models.DocumentLinkRequest.from_dict({"timeToLive": 60_000})
    )
    seen["link"] = link.url
    await client.delete_document(stored.document_id)
    seen["deleted"] = await refusal(client.get_document(stored.document_id))


async def main(address: str, file: str) -> None:
    """Runs everything and prints what was seen."""
    seen: dict[str, Any] = {}
    async with sdk.CamundaAsyncClient(configuration={"CAMUNDA_REST_ADDRESS": address}) as client:
        await lives(client, file, seen)
        await worker_and_result(client, seen)
        await documents(client, seen)
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
