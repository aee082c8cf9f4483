"""The Temporal development server: our search attributes, and runs that outlive it."""

from pathlib import Path

import httpx
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from sandbox import temporal


async def test_the_server_knows_the_search_attributes_of_checkouts(tmp_path: Path) -> None:
    with temporal.running(tmp_path) as server:
        client = await Client.connect(server.address)
        known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
        assert set(temporal.SEARCH_ATTRIBUTES) <= set(known.custom_attributes)


async def test_a_run_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with temporal.running(tmp_path) as server:
        client = await Client.connect(server.address)
        await client.start_workflow("Waiting", id="run-1", task_queue="nobody")
    with temporal.running(tmp_path) as server:
        client = await Client.connect(server.address)
        assert (await client.get_workflow_handle("run-1").describe()).workflow_type == "Waiting"


def test_the_web_interface_answers_when_asked_for(tmp_path: Path) -> None:
    with temporal.running(tmp_path, ui=True) as server:
        assert server.ui_url is not None
        assert httpx.get(server.ui_url, trust_env=False).is_success
