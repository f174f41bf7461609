"""Plain configuration values become objects; a bad value becomes one clear message.

An option of a group is one file: `conf/attention/dagpam.yaml` holds its values and
`reattend/attention/dagpam.py` its class. `build` brings the two together by their common name, so nothing is
registered twice: the class's keyword-only constructor is the schema of its YAML file.
"""

import contextlib
import importlib
import inspect
import math
import pkgutil
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stop(Exception):  # noqa: N818 - some are no errors
    """Ends a command with its message alone: the user can act on it, a traceback would hide it."""

    exit_code = 1
    ends_sweep = False  # or only the job that raised it


class SettingError(Stop, ValueError):
    """A setting the user can mend: says which, what it is, what was expected and how to put it right."""

    def __init__(self, setting: str, value: object, expected: str, fix: str) -> None:
        super().__init__(f"{setting}={value}: expected {expected}. {fix}")
        self.setting = setting


def options_of(base: type[T], package: str) -> list[str]:
    """The names a group offers: the modules of its package that define one `base`; helpers define none or several."""
    names = []
    for name in _modules(package):
        with contextlib.suppress(ModuleNotFoundError):  # a helper for packages that are not here
            if len(_defined(base, f"{package}.{name}")) == 1:
                names.append(name)
    return names


def find_class(base: type[T], package: str, name: str, *, setting: str) -> type[T]:
    """The one subclass of `base` that the module `package.name` defines."""
    # only the module asked for is imported; the others are looked into for the message alone
    classes = _defined(base, f"{package}.{name}") if name in _modules(package) else []
    if len(classes) != 1:
        choices = ", ".join(options_of(base, package))
        raise SettingError(setting, name, f"one of {choices}", f"Set {setting} to one of them.")
    return classes[0]


def _modules(package: str) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__))


def _defined(base: type[T], module_name: str) -> list[type[T]]:
    module = importlib.import_module(module_name)
    own = (c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module_name)
    return [c for c in own if issubclass(c, base) and c is not base and not _is_base(c)]


def _is_base(cls: type) -> bool:
    """Whether a class leaves something for others to define; one that merely forgot to is told so when it is built."""
    return any(getattr(member, "__isabstractmethod__", False) for member in vars(cls).values())


def build(base: type[T], package: str, config: Mapping[str, Any], *, group: str, key: str = "name", **given: Any) -> T:
    """Construct the option `config` describes.

    `config` holds the user's values, of which `key` chooses the module; `given` holds what the surrounding code
    supplies, such as the number of heads. Unknown keys and wrong types are SettingErrors that spell the setting as
    the command line does: `attention.lambda_init=abc`.
    """
    setting = group if key == "name" else f"{group}.{key}"
    cls = find_class(base, package, str(config[key]), setting=setting)
    values = {option: value for option, value in config.items() if option not in ("name", key)}
    return cls(**check_types(cls, values, group=group, given=given), **given)


def call_by_name(module: types.ModuleType, config: Mapping[str, Any], /, *, group: str, **given: Any) -> Any:
    """Call the function of `module` that `config["name"]` names, with the rest of `config` as its options."""
    choices = {n: f for n, f in vars(module).items() if _is_option(f, module)}
    name = config["name"]
    if name not in choices:
        raise SettingError(group, name, f"one of {', '.join(sorted(choices))}", f"Set {group} to one of them.")
    values = {key: value for key, value in config.items() if key != "name"}
    return choices[name](**check_types(choices[name], values, group=group, given=given), **given)


def _is_option(member: object, module: types.ModuleType) -> bool:
    """Helpers of such a module start with `_` or have positional parameters."""
    if not inspect.isfunction(member) or member.__module__ != module.__name__ or member.__name__.startswith("_"):
        return False
    return all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(member).parameters.values())


def check_types(function: Any, values: Mapping[str, Any], *, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """`values` as the keyword-only parameters of `function`, which may be a class, want them, or a SettingError."""
    hints, every = _schema(function)
    parameters = {name: parameter for name, parameter in every.items() if name not in given}
    for key, value in values.items():
        if key not in parameters:
            known = ", ".join(parameters) or "no options"
            raise SettingError(f"{group}.{key}", value, f"a known option ({known})", f"Remove {group}.{key}.")
    for key, parameter in parameters.items():
        if key not in values and parameter.default is inspect.Parameter.empty:
            raise SettingError(f"{group}.{key}", "???", "a value", f"Add {group}.{key}=...")
    return {key: typed(f"{group}.{key}", value, hints[key]) for key, value in values.items()}


def _schema(function: Any) -> tuple[dict[str, Any], dict[str, inspect.Parameter]]:
    """Type hints and keyword-only parameters; of a class also those that its constructor passes on as `**options`."""
    bases = function.__mro__ if isinstance(function, type) else ()
    constructors = [vars(base)["__init__"] for base in bases if "__init__" in vars(base)] or [function]
    hints: dict[str, Any] = {}
    parameters: dict[str, inspect.Parameter] = {}
    for constructor in constructors:
        own = inspect.signature(constructor).parameters
        hints = typing.get_type_hints(constructor) | hints
        parameters = {n: p for n, p in own.items() if p.kind is inspect.Parameter.KEYWORD_ONLY} | parameters
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own.values()):
            break
    return hints, parameters


def typed(setting: str, value: Any, hint: Any) -> Any:
    """`value` as the type `hint` wants it (a whole number may stand for a float), or a SettingError."""
    allowed = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for kind in allowed:
        if typing.get_origin(kind) is typing.Literal:
            if any(value == choice and type(value) is type(choice) for choice in typing.get_args(kind)):
                return value  # the types as well, since True == 1
        elif typing.get_origin(kind) in (list, dict):
            if isinstance(value, typing.get_origin(kind)):
                return value
        elif kind is float:
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        elif kind is int:
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        elif isinstance(value, kind):
            return value
    expected = " or ".join(_spell(kind) for kind in allowed)
    raise SettingError(setting, value, expected, f"Give {setting} such a value.")


def _spell(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(str(choice) for choice in typing.get_args(kind))
    names = {
        float: "a finite number",
        int: "a whole number",
        bool: "true or false",
        str: "text",
        type(None): "null",
        list: "a list",
        dict: "a mapping",
    }
    return names[typing.get_origin(kind) or kind]


def at_least(setting: str, value: float | None, lowest: float) -> None:
    """Refuse a number below `lowest`; None, where a setting may be left out, passes."""
    if value is not None and value < lowest:
        raise SettingError(setting, value, f"at least {lowest}", f"Raise {setting} to {lowest} or more.")


def within(setting: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside `low <= value < high`."""
    if not low <= value < high:
        raise SettingError(setting, value, f"a number from {low} to below {high}", f"Set {setting} within that range.")


def seed_of(config: Mapping[str, Any]) -> int:
    """The seed of a composed configuration, in the range that every generator here takes."""
    seed: int = typed("seed", config["seed"], int)
    within("seed", seed, 0, 2**32)
    return seed
