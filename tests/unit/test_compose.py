"""The compose file and the image: held to their rules, and run as far as they run without Docker."""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from sqlalchemy import make_url
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.worker import Worker

from sandbox import check_compose, postgres, temporal
from sandbox.postgres import PostgresServer
from settings import Environment, Settings
from workflows import search_attributes
from workflows.late_payment import LatePaymentWorkflow

ROOT = Path(__file__).parents[2]
PAYLOAD_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
FILLED_IN = {
    "POSTGRES_PASSWORD": "a0",
    "POSTGRES_QUITTANCE_PASSWORD": "b1",
    "POSTGRES_APP_PASSWORD": "d3",
    "POSTGRES_TEMPORAL_PASSWORD": "c2",
    "QUITTANCE_PAYLOAD_KEYS": f"k1={PAYLOAD_KEY}",
    "QUITTANCE_MERCHANTS": json.dumps(
        {"my-shop": {"stripe_api_key": "sk_test_1", "stripe_webhook_secrets": ["whsec_1"], "result_key": "r" * 32}}
    ),
    "QUITTANCE_API__PUBLIC_URL": "https://pay.example.com",
    "QUITTANCE_MAIL__SENDER": "invoices@example.com",
}
"""What .env.example leaves empty."""

Services = dict[str, dict[str, Any]]
Plant = Callable[[Services], object]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def test_the_compose_file_keeps_the_schema_and_the_rules() -> None:
    assert check_compose.violations(ROOT / "docker-compose.yml") == []


PLANTED: dict[str, tuple[Plant, str]] = {
    "no health check": (lambda all_: all_["api"].pop("healthcheck"), "api has no health check"),
    "a disabled health check": (lambda all_: all_["mail"].update(healthcheck={"disable": True}), "mail has no health"),
    "no restart": (lambda all_: all_["worker"].update(restart="no"), "worker does not come back"),
    "a step that never ends": (lambda all_: all_["migrate"].update(restart="always"), "migrate runs once, but"),
    "root": (lambda all_: all_["api"].update(user="0:0"), "api runs as root"),
    "no user": (lambda all_: all_["temporal"].pop("user"), "temporal runs as root"),
    "the latest image": (lambda all_: all_["temporal"].update(image="temporalio/server:latest"), "no pinned image"),
    "an image of a major version": (lambda all_: all_["postgres"].update(image="postgres:18"), "no pinned image"),
    "a port for everybody": (lambda all_: all_["api"].update(ports=["8000:8000"]), "beyond 127.0.0.1"),
    "a port for one network": (lambda all_: all_["mail"].update(ports=["10.0.0.1:1:1"]), "beyond 127.0.0.1"),
    "a long port for everybody": (lambda all_: all_["api"].update(ports=[{"target": 8000}]), "beyond 127.0.0.1"),
    "an order without condition": (lambda all_: all_["api"].update(depends_on=["migrate"]), "without a condition"),
    "an order that says nothing": (
        lambda all_: all_["api"]["depends_on"].update(migrate={"condition": "service_started"}),
        "which says nothing",
    ),
    "health that nobody checks": (lambda all_: all_["postgres"].pop("healthcheck"), "which is not checked"),
    "an order on nobody": (
        lambda all_: all_["api"]["depends_on"].update(redis={"condition": "service_healthy"}),
        "redis, which does not exist",
    ),
    "a secret": (lambda all_: all_["postgres"]["environment"].update(POSTGRES_PASSWORD="pg"), "POSTGRES_PASSWORD in"),
    "a secret with a default": (
        lambda all_: all_["postgres"]["environment"].update(POSTGRES_PASSWORD="${POSTGRES_PASSWORD:-pg}"),
        "POSTGRES_PASSWORD inline or with a default",
    ),
    "a secret that may be missing": (
        lambda all_: all_["postgres"]["environment"].update(POSTGRES_PASSWORD="${POSTGRES_PASSWORD}"),
        "POSTGRES_PASSWORD inline or with a default",
    ),
    "a password in an address": (
        lambda all_: all_["api"]["environment"].update(QUITTANCE_DATABASE__URL="postgresql+asyncpg://q:pg@postgres/q"),
        "QUITTANCE_DATABASE__URL inline or with a default",
    ),
    "a key under another name": (
        lambda all_: all_["api"]["environment"].update(QUITTANCE_TEMPORAL__TASK_QUEUE="sk_live_1"),
        "QUITTANCE_TEMPORAL__TASK_QUEUE inline",
    ),
    "a setting nobody reads": (
        lambda all_: all_["api"]["environment"].update(QUITTANCE_MAIL__HOSTNAME="mail"),
        "names QUITTANCE_MAIL__HOSTNAME, which settings.py does not have",
    ),
    "a missing setting": (
        lambda all_: all_["worker"]["environment"].pop("QUITTANCE_DATABASE__URL"),
        "worker does not set QUITTANCE_DATABASE__URL",
    ),
    "missing keys": (
        lambda all_: all_["api"]["environment"].pop("QUITTANCE_PAYLOAD_KEYS"),
        "api does not set QUITTANCE_PAYLOAD_KEYS",
    ),
    "a writable root": (lambda all_: all_["api"].pop("read_only"), "write to its root file system"),
    "capabilities": (lambda all_: all_["worker"].pop("cap_drop"), "worker keeps privileges"),
    "no limit": (lambda all_: all_["worker"].pop("deploy"), "worker has no memory limit"),
    "a word compose does not know": (lambda all_: all_["api"].update(healthchek={}), "not true to the compose schema"),
}


@pytest.mark.parametrize(("plant", "said"), PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_found(plant: Plant, said: str, tmp_path: Path) -> None:
    document = json.loads(json.dumps(compose()))  # without the anchors, which would plant it in several places
    plant(document["services"])
    planted = tmp_path / "docker-compose.yml"
    planted.write_text(yaml.safe_dump(document))

    found = check_compose.violations(planted)

    assert any(said in violation for violation in found), found


@pytest.mark.parametrize(
    ("service", "role"), [("migrate", "quittance:b1"), ("api", "quittance_app:d3"), ("worker", "quittance_app:d3")]
)
def test_the_settings_of_the_stack_are_sound(service: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QUITTANCE_")]:
        monkeypatch.delenv(name)
    for name, value in resolved(compose()["services"][service]["environment"]).items():
        monkeypatch.setenv(name, value)

    settings = Settings()

    assert settings.environment is Environment.PRODUCTION
    assert settings.stripe.api_base == "https://api.stripe.com"
    assert settings.database.url == f"postgresql+asyncpg://{role}@postgres:5432/quittance"
    assert settings.mail.host == "mail"
    assert settings.mail.username is None
    assert set(settings.merchants) == {"my-shop"}


def test_what_must_be_filled_in_is_in_the_example_and_has_no_value_there() -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert demanded == set(example) == set(FILLED_IN)
    assert set(example.values()) == {""}


def test_roles_and_databases_are_made_and_made_again_with_new_passwords(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False) as server:
        asyncio.run(name_the_superuser(server, FILLED_IN["POSTGRES_PASSWORD"]))
        make_databases(server, FILLED_IN)
        make_databases(server, FILLED_IN | {"POSTGRES_TEMPORAL_PASSWORD": "changed"})

        asyncio.run(look_at_databases(server))
        asyncio.run(the_application_is_let_in_and_owns_nothing(server))


async def the_application_is_let_in_and_owns_nothing(server: PostgresServer) -> None:
    stated = resolved(compose()["services"]["migrate"]["environment"])
    there = make_url(stated["QUITTANCE_DATABASE__URL"]).set(
        host=make_url(server.url).host, port=make_url(server.url).port
    )
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "cli.py", "migrate", "--app-role", "quittance_app"],
        cwd=ROOT,
        env=os.environ | stated | {"QUITTANCE_DATABASE__URL": there.render_as_string(hide_password=False)},
        check=True,
    )
    application = await connected(server, "quittance_app", "d3", "quittance")
    try:
        assert await application.fetchval("SELECT count(*) FROM invoices") == 0
        for refused in ("DELETE FROM invoices", "DROP TABLE invoices", "ALTER TABLE invoices DISABLE TRIGGER USER"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(refused)
    finally:
        await application.close()


async def look_at_databases(server: PostgresServer) -> None:
    assert await owner_of(server, "quittance", "quittance", "b1") == "quittance"
    assert await owner_of(server, "temporal", "temporal", "changed") == "temporal"
    assert await owner_of(server, "temporal_visibility", "temporal", "changed") == "temporal"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await owner_of(server, "temporal", "temporal", "c2")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner_of(server, "quittance", "temporal", "changed")


async def name_the_superuser(server: PostgresServer, password: str) -> None:
    """As in the image: the superuser is `postgres`. The sandbox calls it `quittance`."""
    address = make_url(server.url)
    first = await connected(server, str(address.username), str(address.password), "postgres")
    await first.execute(f"CREATE ROLE postgres SUPERUSER LOGIN PASSWORD '{password}'")
    await first.close()
    second = await connected(server, "postgres", password, "postgres")
    await second.execute(f"ALTER ROLE {address.username} RENAME TO nobody")
    await second.close()


def make_databases(server: PostgresServer, variables: Mapping[str, str]) -> None:
    address = make_url(server.url)
    psql = Path(server.cluster.probe[0]).parent
    run_script(
        "databases",
        variables,
        PGHOST=str(address.host),
        PGPORT=str(address.port),
        PATH=f"{psql}:{os.environ['PATH']}",
    )


async def connected(server: PostgresServer, role: str, password: str, database: str) -> Any:
    address = make_url(server.url)
    return await asyncpg.connect(host=address.host, port=address.port, user=role, password=password, database=database)


async def owner_of(server: PostgresServer, database: str, role: str, password: str) -> str:
    """Who owns a database, asked in it as `role`."""
    connection = await connected(server, role, password, database)
    try:
        question = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1"
        return str(await connection.fetchval(question, database))
    finally:
        await connection.close()


async def test_the_namespace_gets_exactly_the_search_attributes_of_the_runs(
    temporal_server: temporal.TemporalServer,
) -> None:
    namespace = f"compose-{secrets.token_hex(4)}"
    for _ in range(2):
        await asyncio.to_thread(
            run_script,
            "temporal-namespace",
            FILLED_IN,
            TEMPORAL_ADDRESS=temporal_server.address,
            TEMPORAL_NAMESPACE=namespace,
            PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        )

    client = await Client.connect(temporal_server.address)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    keys = [key for key in vars(search_attributes).values() if isinstance(key, SearchAttributeKey)]

    assert keys
    made = {name: int(kind) for name, kind in known.custom_attributes.items()}
    assert made == {key.name: int(key.indexed_value_type) for key in keys}


async def test_a_worker_is_healthy_while_it_asks_for_work_and_only_then(
    temporal_server: temporal.TemporalServer,
) -> None:
    queue = f"compose-{secrets.token_hex(4)}"
    client = await Client.connect(temporal_server.address)

    assert await worker_ready(temporal_server.address, queue) == 1
    async with Worker(client, task_queue=queue, workflows=[LatePaymentWorkflow], identity="1@another-machine"):
        assert await worker_ready(temporal_server.address, queue) == 1
    async with Worker(client, task_queue=queue, workflows=[LatePaymentWorkflow]), asyncio.timeout(30):
        while await worker_ready(temporal_server.address, queue):
            pass


async def worker_ready(address: str, task_queue: str) -> int:
    """The exit code of the worker's health check."""
    check = compose()["services"]["worker"]["healthcheck"]["test"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *check[2:],
        cwd=ROOT,
        env=os.environ
        | resolved(compose()["services"]["worker"]["environment"])
        | {
            "QUITTANCE_TEMPORAL__ADDRESS": address,
            "QUITTANCE_TEMPORAL__NAMESPACE": temporal.NAMESPACE,
            "QUITTANCE_TEMPORAL__TASK_QUEUE": task_queue,
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


def test_the_image_holds_everything_its_programs_import(tmp_path: Path) -> None:
    for sources, target in copied_into_the_image():
        for source in sources:
            place = tmp_path / target / source.name if len(sources) > 1 else tmp_path / target
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place)

    done = subprocess.run(
        [sys.executable, "-P", "-c", "import sys; sys.path.insert(0, '.'); import api.main, worker, cli"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def copied_into_the_image() -> list[tuple[list[Path], str]]:
    """The COPY lines of the last stage: what is copied from the project, and where to."""
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    lines = re.findall(r"^COPY (?!--from)(.+)$", last_stage, re.MULTILINE)
    return [([ROOT / source for source in line.split()[:-1]], line.split()[-1]) for line in lines]


def test_nothing_goes_into_the_image_but_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {source.name for sources, _ in copied_into_the_image() for source in sources}

    assert "*" in ignored
    assert let_in == copied | {"requirements.txt"}


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    last_user = re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)[-1]

    assert last_user not in {"root", "0"}
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["python:3.12.14-slim-bookworm"] * 2
    assert f"--uid {compose()['services']['api']['user'].partition(':')[0]} " in dockerfile


def run_script(service: str, variables: Mapping[str, str], **outside: str) -> None:
    """Run what a one-shot service runs, on this machine and against the parts that `outside` names."""
    described = compose()["services"][service]
    script = interpolated(described["command"][0], variables)
    environment = resolved(described["environment"], variables) | outside
    done = subprocess.run(  # noqa: S603
        [*described["entrypoint"], script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def resolved(environment: Mapping[str, str | None], variables: Mapping[str, str] = FILLED_IN) -> dict[str, str]:
    """An environment as a container sees it: names without a value are handed on if they are set."""
    given = {name: variables.get(name) if value is None else value for name, value in environment.items()}
    return {name: interpolated(str(value), variables) for name, value in given.items() if value is not None}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME:?why}`, `${NAME:-default}` and `$$`, as compose reads them."""

    def replace(place: re.Match[str]) -> str:
        if place["name"] is None:
            return "$"
        value = variables.get(place["name"], "")
        assert value or place["default"] is not None, f"{place['name']} is not set"
        return value or place["default"]

    return re.sub(r"\$(?:\$|\{(?P<name>\w+):(?:\?[^}]*|-(?P<default>[^}]*))\})", replace, text)
