"""Whether docker-compose.yml is true to the compose schema, to the rules of the house and to our settings."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

_ROOT = Path(__file__).parents[1]
_CONFIGURED = ("migrate", "api", "worker")
"""The services that read our settings, and so need every one that has no default."""

_ASK_FOR_SETTINGS = "import json, settings; print(json.dumps(settings.Settings.model_json_schema()))"
_PINNED = re.compile(r":(\$\{\w+:-)?v?\d+\.\d+[\w.-]*\}?$")
_DEMANDED = re.compile(r"\$\{\w+:\?[^}]+\}")
_SECRET_NAME = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|API_KEY|PAYLOAD_KEYS|MERCHANTS")
_CREDENTIALS = re.compile(r"://[^:/\s]*:(?P<password>.*)@[^@]*$")
_KEY_TEXT = re.compile(r"\b(sk|rk|whsec|qk)_\w+")

Service = Mapping[str, Any]
Services = Mapping[str, Service]


def main() -> int:
    """Name every violation; answers 1 if there is one, else 0."""
    found = violations(_ROOT / "docker-compose.yml")
    sys.stderr.writelines(f"docker-compose.yml: {violation}\n" for violation in found)
    return 1 if found else 0


def violations(file: Path) -> list[str]:
    """What is wrong with a compose file, one sentence each. The rules are only asked if the schema is kept."""
    stated = yaml.safe_load(file.read_text())
    if broken := [f"not true to the compose schema: {error.json_path}: {error.message}" for error in _errors(stated)]:
        return broken
    services: Services = stated["services"]
    return [violation for name in services for violation in _of_service(name, services)]


def _errors(stated: Any) -> Iterator[ValidationError]:
    return _schema().iter_errors(stated)


@cache
def _schema() -> Validator:
    schema = get_builtin_schema("vendor.compose-spec")
    return validator_for(schema)(schema)


def _of_service(name: str, services: Services) -> Iterator[str]:
    service = services[name]
    environment = _environment(service)
    for rule in (_runs_as, _image, _ports, _confinement):
        yield from (f"{name} {problem}" for problem in rule(service))
    yield from (f"{name} {problem}" for problem in _watch(name, services))
    yield from (f"{name} {problem}" for problem in _waiting(service, services))
    yield from (f"{name} {problem}" for problem in _secrets(environment))
    yield from (f"{name} names {unknown}, which settings.py does not have" for unknown in _unknown(environment))
    if name in _CONFIGURED:
        missing = {field for field, demanded in _settings().items() if demanded} - environment.keys()
        yield from (f"{name} does not set {field}, which has no default" for field in sorted(missing))


def _environment(service: Service) -> Mapping[str, str | None]:
    given = service.get("environment", {})
    if isinstance(given, list):
        return {name: value if found else None for name, found, value in (entry.partition("=") for entry in given)}
    return {name: None if value is None else str(value) for name, value in given.items()}


def _runs_as(service: Service) -> Iterator[str]:
    user = str(service.get("user", "root")).partition(":")[0]
    if user in {"root", "0"}:
        yield "runs as root: give it a user"


def _image(service: Service) -> Iterator[str]:
    if not _PINNED.search(service.get("image", "")):
        yield "has no pinned image: name major and minor version"


def _ports(service: Service) -> Iterator[str]:
    for port in service.get("ports", ()):
        address = port.get("host_ip", "") if isinstance(port, dict) else str(port).rpartition(":")[0]
        if not f"{address}:".startswith("127.0.0.1:"):
            yield f"publishes {port} beyond 127.0.0.1"


def _confinement(service: Service) -> Iterator[str]:
    if not service.get("read_only"):
        yield "may write to its root file system"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", ()):
        yield "keeps privileges it does not need"
    if not service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"):
        yield "has no memory limit"


def _watch(name: str, services: Services) -> Iterator[str]:
    """Who runs for ever has a health check and comes back; who runs once is waited for and does not."""
    service = services[name]
    restart = str(service.get("restart", "no"))
    if _runs_once(name, services):
        if restart not in {"no", "on-failure"} and not restart.startswith("on-failure:"):
            yield f"runs once, but is restarted {restart}"
    else:
        if not _has_healthcheck(service):
            yield "has no health check, and nobody waits for its end"
        if restart not in {"always", "unless-stopped"}:
            yield "does not come back when it dies"


def _waiting(service: Service, services: Services) -> Iterator[str]:
    depends_on = service.get("depends_on", {})
    if isinstance(depends_on, list):
        yield f"waits for {', '.join(depends_on)} without a condition"
        return
    for other, how in depends_on.items():
        condition = how["condition"]
        if other not in services:
            yield f"waits for {other}, which does not exist"
        elif condition == "service_started":
            yield f"waits for {other} to start, which says nothing"
        elif condition == "service_healthy" and not _has_healthcheck(services[other]):
            yield f"waits for the health of {other}, which is not checked"


def _secrets(environment: Mapping[str, str | None]) -> Iterator[str]:
    """A secret is demanded from outside (`${NAME:?why}`) or handed on (no value); it never stands here."""
    for name, value in environment.items():
        if value is None:
            continue
        credentials = _CREDENTIALS.search(value)
        secret = credentials["password"] if credentials else value if _SECRET_NAME.search(name) else None
        if (secret is not None and not _DEMANDED.fullmatch(secret)) or _KEY_TEXT.search(value):
            yield f"has the secret {name} inline or with a default"


def _unknown(environment: Mapping[str, str | None]) -> list[str]:
    return sorted(name for name in environment if name.startswith("QUITTANCE_") and name not in _settings())


@cache
def _settings() -> Mapping[str, bool]:
    """Every variable of settings.py, and whether it has to be set; settings.py itself is asked."""
    command = (sys.executable, "-c", _ASK_FOR_SETTINGS)
    asked = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    schema = json.loads(asked.stdout)
    return {f"QUITTANCE_{name}": demanded for name, demanded in _fields(schema, schema["$defs"])}


def _fields(
    group: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], *, above: str = "", demanded: bool = True
) -> Iterator[tuple[str, bool]]:
    """The fields of a group and of the groups in it, as the environment names them."""
    for name, field in group["properties"].items():
        here = f"{above}{name.upper()}"
        needed = demanded and name in group.get("required", ())
        references = [kind.get("$ref", "") for kind in (field, *field.get("anyOf", ()))]  # an optional group is one too
        inner = groups.get(max(references).rpartition("/")[2], {})
        if "properties" in inner:
            yield from _fields(inner, groups, above=f"{here}__", demanded=needed)
        else:
            yield here, needed


def _has_healthcheck(service: Service) -> bool:
    check = service.get("healthcheck", {})
    return bool(check.get("test")) and not check.get("disable") and check["test"] != ["NONE"]


def _runs_once(name: str, services: Services) -> bool:
    conditions = (_conditions(service).get(name) for service in services.values())
    return "service_completed_successfully" in conditions


def _conditions(service: Service) -> Mapping[str, str]:
    depends_on = service.get("depends_on", {})
    return {} if isinstance(depends_on, list) else {other: how["condition"] for other, how in depends_on.items()}


if __name__ == "__main__":
    sys.exit(main())
