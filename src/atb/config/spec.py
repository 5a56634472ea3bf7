"""The base of every spec: frozen, strict, nothing unknown allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from atb.errors import UsageError

Item = TypeVar("Item")
Listed = Annotated[tuple[Item, ...], Field(strict=False)]  # a list in a file is a tuple here


class Spec(BaseModel):
    """A frozen record of settings; an unknown field is an error, and so is text for a number."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        strict=True,
        hide_input_in_errors=True,  # a traceback may be read by others
    )

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The spec of single values a person gave.

        Raises:
            UsageError: naming the first field that is refused, and why.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise UsageError(complaint(error), remedy="correct that value") from error


def complaint(error: ValidationError) -> str:
    """The first thing a spec refuses, with its field."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator of text fields from a check that raises `UsageError`; None passes."""

    def validate(value: str | None) -> str | None:
        try:
            if value is not None:
                check(value)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return value

    return AfterValidator(validate)


def tagged(field: str, default: str) -> BeforeValidator:
    """A validator of a union of specs, told apart by `field`; without it they are the default."""

    def validate(value: Any) -> Any:
        return {field: default, **value} if isinstance(value, dict) else value

    return BeforeValidator(validate)


def by_tag(field: str, union: Any) -> dict[str, Any]:
    """The specs of a union by the value of the field that tells them apart."""
    return {spec.model_fields[field].default: spec for spec in get_args(union)}
