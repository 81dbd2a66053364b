"""The calls of the gateway protocol, from protobuf messages to the engine and back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from coupler.embedded.completion import run_to_completion
from coupler.embedded.definitions import Definition
from coupler.embedded.dispatch import Dispatch
from coupler.embedded.engine import Engine
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.job_commands import Activation, ActivationRequest
from coupler.embedded.rejection import invalid, unimplemented
from coupler.embedded.server.checks import (
    DEFAULT_TENANT,
    PROTOCOL_LEVEL,
    activation_wait_seconds,
    check_activation,
    check_resources,
    check_tenant,
    completion_wait_seconds,
    find_definition,
)
from coupler.embedded.variables import encode_document, parse_document
from coupler.gateway.proto import gateway_pb2 as pb


class Calls:
    """Answers calls; a refused one raises Rejection. ``address`` tells host and port for the topology."""

    def __init__(self, engine: Engine, dispatch: Dispatch, address: Callable[[], tuple[str, int]]) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._address = address

    def topology(self, _: pb.TopologyRequest) -> pb.TopologyResponse:
        """One broker with one healthy partition, as long as it answers."""
        host, port = self._address()
        partition = pb.Partition(partitionId=1, role=pb.Partition.LEADER, health=pb.Partition.HEALTHY)
        broker = pb.BrokerInfo(nodeId=0, host=host, port=port, partitions=[partition], version=PROTOCOL_LEVEL)
        return pb.TopologyResponse(
            brokers=[broker], clusterSize=1, partitionsCount=1, replicationFactor=1, gatewayVersion=PROTOCOL_LEVEL
        )

    def deploy_resource(self, request: pb.DeployResourceRequest) -> pb.DeployResourceResponse:
        """Deploys BPMN resources, all or none."""
        check_tenant(request.tenantId)
        check_resources([resource.name for resource in request.resources])
        key, definitions = self._engine.deploy([(r.name, r.content) for r in request.resources])
        return pb.DeployResourceResponse(
            key=key,
            tenantId=DEFAULT_TENANT,
            deployments=[
                pb.Deployment(
                    process=pb.ProcessMetadata(
                        bpmnProcessId=d.process_id,
                        version=d.version,
                        processDefinitionKey=d.key,
                        resourceName=d.resource_name,
                        tenantId=DEFAULT_TENANT,
                    )
                )
                for d in definitions
            ],
        )

    def _definition(self, request: pb.CreateProcessInstanceRequest) -> Definition:
        check_tenant(request.tenantId)
        if request.startInstructions:
            raise unimplemented("The embedded engine starts processes at their start event only")
        key, version = request.processDefinitionKey, request.version
        return find_definition(self._engine.definitions, request.bpmnProcessId, version, key)

    def create_process_instance(self, request: pb.CreateProcessInstanceRequest) -> pb.CreateProcessInstanceResponse:
        """Starts a process."""
        definition = self._definition(request)
        key = self._engine.create_instance(definition, parse_document(request.variables))
        return pb.CreateProcessInstanceResponse(
            processDefinitionKey=definition.key,
            bpmnProcessId=definition.process_id,
            version=definition.version,
            processInstanceKey=key,
            tenantId=DEFAULT_TENANT,
        )

    async def create_process_instance_with_result(
        self, request: pb.CreateProcessInstanceWithResultRequest
    ) -> pb.CreateProcessInstanceWithResultResponse:
        """Starts a process and waits for its end."""
        definition = self._definition(request.request)
        completed = await run_to_completion(
            self._engine,
            definition,
            parse_document(request.request.variables),
            completion_wait_seconds(request.requestTimeout),
            request.fetchVariables,
        )
        return pb.CreateProcessInstanceWithResultResponse(
            processDefinitionKey=definition.key,
            bpmnProcessId=definition.process_id,
            version=definition.version,
            processInstanceKey=completed.key,
            variables=encode_document(completed.variables).decode(),
            tenantId=DEFAULT_TENANT,
        )

    def cancel_process_instance(self, request: pb.CancelProcessInstanceRequest) -> pb.CancelProcessInstanceResponse:
        """Ends a process instance."""
        self._engine.cancel_instance(request.processInstanceKey)
        return pb.CancelProcessInstanceResponse()

    def set_variables(self, request: pb.SetVariablesRequest) -> pb.SetVariablesResponse:
        """Sets variables of an element instance, or of those around it."""
        variables = parse_document(request.variables)
        key = self._engine.set_variables(request.elementInstanceKey, variables, local=request.local)
        return pb.SetVariablesResponse(key=key)

    def publish_message(self, request: pb.PublishMessageRequest) -> pb.PublishMessageResponse:
        """Publishes a message."""
        check_tenant(request.tenantId)
        if not request.name:
            raise invalid("Expected to publish a message with a name, but it was blank")
        message = Message(
            request.name,
            request.correlationKey,
            parse_document(request.variables),
            request.timeToLive,
            request.messageId,
        )
        return pb.PublishMessageResponse(key=self._engine.publish_message(message), tenantId=DEFAULT_TENANT)

    def resolve_incident(self, request: pb.ResolveIncidentRequest) -> pb.ResolveIncidentResponse:
        """Lets an element instance try again."""
        self._engine.resolve_incident(request.incidentKey)
        return pb.ResolveIncidentResponse()

    def complete_job(self, request: pb.CompleteJobRequest) -> pb.CompleteJobResponse:
        """The work is done."""
        self._engine.jobs.complete(request.jobKey, parse_document(request.variables))
        return pb.CompleteJobResponse()

    def fail_job(self, request: pb.FailJobRequest) -> pb.FailJobResponse:
        """The work failed."""
        variables = parse_document(request.variables)
        self._engine.jobs.fail(request.jobKey, request.retries, request.errorMessage, request.retryBackOff, variables)
        return pb.FailJobResponse()

    def throw_error(self, request: pb.ThrowErrorRequest) -> pb.ThrowErrorResponse:
        """The work ended with a BPMN error."""
        variables = parse_document(request.variables)
        self._engine.jobs.throw_error(request.jobKey, request.errorCode, request.errorMessage, variables)
        return pb.ThrowErrorResponse()

    def update_job_retries(self, request: pb.UpdateJobRetriesRequest) -> pb.UpdateJobRetriesResponse:
        """Changes the retries left."""
        self._engine.jobs.update_retries(request.jobKey, request.retries)
        return pb.UpdateJobRetriesResponse()

    def update_job_timeout(self, request: pb.UpdateJobTimeoutRequest) -> pb.UpdateJobTimeoutResponse:
        """Moves the end of a lease."""
        self._engine.jobs.update_timeout(request.jobKey, request.timeout)
        return pb.UpdateJobTimeoutResponse()

    def evaluate_decision(self, _: pb.EvaluateDecisionRequest) -> pb.EvaluateDecisionResponse:
        """Refused."""
        raise unimplemented("The embedded engine evaluates no decisions")

    def broadcast_signal(self, _: pb.BroadcastSignalRequest) -> pb.BroadcastSignalResponse:
        """Refused."""
        raise unimplemented("The embedded engine knows no signals")

    async def activate_jobs(self, request: pb.ActivateJobsRequest) -> AsyncGenerator[pb.ActivateJobsResponse]:
        """Answers with jobs as soon as there are any (long polling), or with nothing in the end."""
        wanted = _activation_request(request, request.maxJobsToActivate)
        batches = self._dispatch.poll(wanted, activation_wait_seconds(request.requestTimeout))
        try:
            async for batch in batches:
                yield pb.ActivateJobsResponse(jobs=[_activated_job(a, wanted.worker) for a in batch])
        finally:
            await batches.aclose()

    async def stream_activated_jobs(self, request: pb.StreamActivatedJobsRequest) -> AsyncGenerator[pb.ActivatedJob]:
        """Pushes jobs as they become ready."""
        wanted = _activation_request(request, 1)
        activations = self._dispatch.stream(wanted)
        try:
            async for activation in activations:
                yield _activated_job(activation, wanted.worker)
        finally:
            await activations.aclose()


def _activation_request(
    request: pb.ActivateJobsRequest | pb.StreamActivatedJobsRequest, max_jobs: int
) -> ActivationRequest:
    fetch = tuple(request.fetchVariable)
    wanted = ActivationRequest(request.type, request.worker, request.timeout, max_jobs, fetch)
    return check_activation(wanted, request.tenantIds)


def _activated_job(activation: Activation, worker: str) -> pb.ActivatedJob:
    job, definition = activation.job, activation.definition
    return pb.ActivatedJob(
        key=job.key,
        type=job.type,
        processInstanceKey=job.process_instance_key,
        bpmnProcessId=definition.process_id,
        processDefinitionVersion=definition.version,
        processDefinitionKey=definition.key,
        elementId=job.element_id,
        elementInstanceKey=job.element_key,
        customHeaders=job.headers,
        worker=worker,
        retries=job.retries,
        deadline=activation.deadline_ms,
        variables=encode_document(activation.variables).decode(),
        tenantId=DEFAULT_TENANT,
    )


__all__ = ["Calls"]
