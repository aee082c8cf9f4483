"""Ways to ask whether a part does its work."""

import asyncio
from datetime import UTC, datetime

import httpx
import psutil
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from sandbox.supervisor.parts import Probe

_PATIENCE_SECONDS = 2.0


def http_answers(*urls: str) -> Probe:
    """Ready when every URL answers with a 2xx."""

    async def probe(_pid: int) -> bool:
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            try:
                return all([(await client.get(url)).is_success for url in urls])
            except httpx.HTTPError:
                return False

    return probe


def command_succeeds(*command: str) -> Probe:
    """Ready when the command ends with 0."""

    async def probe(_pid: int) -> bool:
        silence = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, stdin=silence, stdout=silence, stderr=silence)
        try:
            return await asyncio.wait_for(process.wait(), _PATIENCE_SECONDS) == 0
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return probe


def both(first: Probe, second: Probe) -> Probe:
    """Ready when both are."""

    async def probe(pid: int) -> bool:
        return await first(pid) and await second(pid)

    return probe


def polls_task_queue(address: str, namespace: str, task_queue: str) -> Probe:
    """Ready when a worker has asked for workflow tasks since the process was started."""

    async def probe(pid: int) -> bool:
        try:
            started = datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
            client = await Client.connect(address, namespace=namespace)
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=namespace,
                    task_queue=TaskQueue(name=task_queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                )
            )
        except (psutil.NoSuchProcess, RPCError, RuntimeError):
            return False
        return any(_moment(poller.last_access_time) > started for poller in answer.pollers)

    return probe


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(UTC)
