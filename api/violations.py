"""Reads a body into its model, or says of each wrong place what is expected there."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api.problems import pointer
from domain.errors import InvalidInput, Violation

Body = TypeVar("Body", bound=BaseModel)


def parse(model: type[Body], value: dict[str, Any]) -> Body:
    """`value` as `model`. Raises InvalidInput with one violation per missing, mistyped or unknown field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(
            [_violation(model, detail) for detail in error.errors(include_url=False, include_input=False)]
        ) from error


def _violation(model: type[BaseModel], detail: ErrorDetails) -> Violation:
    location = [step for step in detail["loc"] if step != "[key]"]
    expected = _expected_form(model, location)
    match detail["type"]:
        case "missing":
            message = f"is required: {expected}"
        case "extra_forbidden":
            message = "is not a known field"
        case "decimal_string":
            message = detail["msg"]
        case "too_long":
            message = f"must not have more than {detail['ctx']['max_length']} elements"
        case _:
            message = f"must be {expected}"
    return Violation(pointer=pointer(location), message=message)


def _expected_form(model: type[BaseModel], location: Sequence[int | str]) -> str:
    """The description of the field a location ends in; for an element of a list or map, what its elements are."""
    current: type[BaseModel] | None = model
    expected = "an object"
    for step in location:
        if isinstance(step, int):
            expected = "an object"
        elif current is None or step not in current.model_fields:
            expected = "a string"
        else:
            field = current.model_fields[step]
            expected = field.description or "as documented"
            current = _model_in(field.annotation)
    return expected


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
