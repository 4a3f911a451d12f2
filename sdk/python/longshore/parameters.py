"""Parameters of a job: a dataclass, its JSON Schema, and values of it from JSON.

Fields are `str`, `int`, `float`, `bool`, a `Literal` of texts, a dataclass, `list[…]`, `dict[str, …]`, or one of these
`| None`. `Annotated[int, "How many.", {"minimum": 1}]` describes a field and adds keywords to its schema. A field with a
default may be left out.
"""

import dataclasses
import types
import typing
from typing import Any

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema(parameters: type) -> dict[str, Any]:
    """The JSON Schema of a dataclass."""
    hints = typing.get_type_hints(parameters, include_extras=True)
    properties, required = {}, []
    for field in dataclasses.fields(parameters):
        properties[_kebab(field.name)] = _schema_of(hints[field.name])
        if not _is_optional(field):
            required.append(_kebab(field.name))
        elif field.default not in (dataclasses.MISSING, None):
            properties[_kebab(field.name)]["default"] = field.default
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def read(parameters: type, document: Any) -> Any:
    """A value of the dataclass from a JSON document. Raises `ValueError` with what is wrong where."""
    return _read(parameters, document, "")


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _is_optional(field: dataclasses.Field) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _schema_of(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        made = _schema_of(arguments[0])
        for note in arguments[1:]:
            made |= {"description": note} if isinstance(note, str) else note
        return made
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is typing.Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema_of(arguments[0])}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1])}
    if origin in (typing.Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return _schema_of(_other_than_none(arguments))
    if dataclasses.is_dataclass(hint):
        return schema(hint)
    raise TypeError(f"{hint} has no JSON Schema here: see longshore.parameters for the types of fields")


def _other_than_none(arguments: tuple) -> Any:
    return next(argument for argument in arguments if argument is not type(None))


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _read(arguments[0], value, where)
    if origin in (typing.Union, types.UnionType):
        return _read(_other_than_none(arguments), value, where)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, value, where)
    if origin is list and isinstance(value, list):
        return [_read(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        fits = value in arguments
    elif hint is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    else:
        fits = type(value) is hint
    if not fits:
        raise ValueError(f"{where} is {value!r}, which does not fit {_schema_of(hint)}")
    return value


def _read_dataclass(hint: type, value: Any, where: str) -> Any:
    place = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise ValueError(f"{where or 'the document'} is {value!r}; an object is expected")
    fields = {_kebab(field.name): field for field in dataclasses.fields(hint)}
    hints = typing.get_type_hints(hint, include_extras=True)
    unknown = sorted(value.keys() - fields.keys())
    missing = [name for name, field in fields.items() if name not in value and not _is_optional(field)]
    problems = [f"{place}{name} is unknown" for name in unknown] + [f"{place}{name} is missing" for name in missing]
    if problems:
        raise ValueError("; ".join(problems))
    return hint(**{
        fields[name].name: _read(hints[fields[name].name], item, f"{place}{name}") for name, item in value.items()
    })
