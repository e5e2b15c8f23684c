"""Finds every service of the product, what each of them calls, and what a test calls of them."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import apps
from apps.audit.services import record

Service = Callable[..., Any]

# These read, are asked by services, or are what services stand on
NO_SERVICES = ("apps.core", "apps.audit")
READING = ("selectors", "migrations", "management")


def all_services() -> dict[str, Service]:
    """Public functions that take nothing by position and run in a transaction, wherever they stand.

    Also those that hand over to another one at once, such as `set_theme(*, actor, theme)`.
    """
    found = {}
    for module in _modules():
        for name, function in vars(module).items():
            if not name.startswith("_") and _is_service(function, module):
                found[f"{module.__name__}.{name}"] = function
    return found


def writes_audit(function: Service, *, seen: frozenset[Service] = frozenset()) -> bool:
    """Whether there's a call of `record` in it, or in what it calls of ours."""
    for called in _calls(function):
        if called is record or (called not in seen and writes_audit(called, seen=seen | {called})):
            return True
    return False


def called_by_test(function: Service, *, seen: frozenset[Service] = frozenset()) -> Iterator[Service]:
    """What of the product a test's function calls, itself or by a helper of the tests."""
    for called in _calls(function):
        if called.__module__.startswith("apps."):
            yield called
        elif called not in seen:
            yield from called_by_test(called, seen=seen | {called})


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(apps.__path__, "apps."):
        if not info.name.startswith(NO_SERVICES) and not set(info.name.split(".")) & set(READING):
            yield importlib.import_module(info.name)


def _is_service(function: Any, module: ModuleType) -> bool:
    if not inspect.isfunction(function) or function.__module__ != module.__name__:
        return False
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    if not kinds or kinds - {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}:
        return False
    is_in_services = "services" in module.__name__.split(".")
    return _is_atomic(function) or (is_in_services and "actor" in inspect.signature(function).parameters)


def _is_atomic(function: Service) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in _source(function).decorator_list)


def _calls(function: Service) -> Iterator[Service]:
    """Our own functions whose names are called in it."""
    around = inspect.unwrap(function).__globals__
    for node in ast.walk(_source(function)):
        if isinstance(node, ast.Call):
            called = _resolve(node.func, around)
            if inspect.isfunction(called) and called.__module__.startswith(("apps.", "tests.")):
                yield called


def _resolve(name: ast.expr, around: dict[str, Any]) -> Any:
    """What a name or `module.name` means there; None for what only exists while it runs."""
    if isinstance(name, ast.Name):
        return around.get(name.id)
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        owner = around.get(name.value.id)
        return getattr(owner, name.attr, None) if isinstance(owner, ModuleType) else None
    return None


def _source(function: Service) -> ast.FunctionDef:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body
    assert isinstance(node, ast.FunctionDef), function
    return node
