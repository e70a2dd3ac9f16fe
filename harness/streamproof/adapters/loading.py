"""Finding an adapter by name: `package.module:Class`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from ..capabilities import Capabilities
from ..errors import AdapterError
from ..providers import PROTOCOLS
from .contract import Adapter

FORM = "package.module:Class"
_PARAMETERS = 3
_CONTRACT = "An adapter has `name`, `protocols` and `run(call, endpoint, emit)`; docs/adapters.md shows one."


def load_adapter(target: str) -> Adapter:
    """The adapter that `package.module:Class` names: an instance of the class, what the function returns, or the object
    itself. Raises AdapterError, which says what to write instead."""
    module_name, colon, path = target.partition(":")
    if not colon or not module_name or not path:
        raise AdapterError(f"{target!r} names no adapter", remedy=f"Write it as {FORM}, e.g. my_driver:MyAdapter.")
    found: Any = _module(module_name)
    for name in path.split("."):
        found = _attribute(found, name, module_name)
    if inspect.isclass(found) or (callable(found) and not hasattr(found, "run")):
        try:
            found = found()
        except Exception as error:
            raise AdapterError(
                f"{target} cannot be made: {type(error).__name__}: {error}",
                remedy="It is called without arguments; give them defaults.",
            ) from error
    check_adapter(found, target)
    adapter: Adapter = found
    return adapter


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        own = name == missing or name.startswith(f"{missing}.")
        raise AdapterError(
            f"no module {missing!r}" if own else f"{name} imports {missing!r}, which is not installed",
            remedy="Run it where the module lies, install it, or set PYTHONPATH."
            if own
            else f"Install it into this environment: {missing.partition('.')[0]}.",
        ) from error
    except Exception as error:
        raise AdapterError(
            f"{name} cannot be imported: {type(error).__name__}: {error}",
            remedy=f"`python -c 'import {name}'` shows where.",
        ) from error


def _attribute(found: Any, name: str, module: str) -> Any:
    try:
        return getattr(found, name)
    except AttributeError:
        public = [each for each in dir(found) if not each.startswith("_")]
        near = get_close_matches(name, public, 1)
        classes = [each for each in public if _is_own_class(found, each)]
        hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(classes or public[:10]) or 'nothing'}."
        raise AdapterError(f"{module} has no {name!r}", remedy=hint) from None


def _is_own_class(module: Any, name: str) -> bool:
    found = getattr(module, name, None)
    return inspect.isclass(found) and found.__module__ == getattr(module, "__name__", None)


def check_adapter(adapter: Any, target: str) -> None:
    """Raises AdapterError for an object that does not keep the contract, as far as that can be seen."""

    def wrong(what: str, remedy: str = _CONTRACT) -> AdapterError:
        return AdapterError(f"{target} ({type(adapter).__name__}) {what}", remedy=remedy)

    run = getattr(adapter, "run", None)
    if not callable(run):
        raise wrong("has no method `run`")
    try:
        inspect.signature(run).bind(*(None,) * _PARAMETERS)
    except TypeError:
        raise wrong(f"has run{inspect.signature(run)}, which cannot be called with (call, endpoint, emit)") from None
    except ValueError:  # a builtin without a signature: the first call will tell
        pass
    name = getattr(adapter, "name", None)
    if not isinstance(name, str) or not name:
        raise wrong(f"has name {name!r}", 'Give it a name: `name = "my-library"`.')
    protocols = getattr(adapter, "protocols", None)
    if not isinstance(protocols, Sequence) or isinstance(protocols, str):
        raise wrong(f"has protocols {protocols!r}", f"Write a tuple of some of: {', '.join(PROTOCOLS)}.")
    unknown = [each for each in protocols if each not in PROTOCOLS]
    if unknown:
        raise wrong(f"has protocol {unknown[0]!r}, which is none", f"Write some of: {', '.join(PROTOCOLS)}.")
    capabilities = getattr(adapter, "capabilities", None)
    if capabilities is not None and not isinstance(capabilities, Capabilities):
        raise wrong(
            f"has capabilities of type {type(capabilities).__name__}", "Make a streamproof.capabilities.Capabilities."
        )


def capabilities_of(adapter: Adapter) -> Capabilities:
    """What an adapter declares; one that declares nothing offers all, for its protocols."""
    declared: Capabilities | None = getattr(adapter, "capabilities", None)
    sync = hasattr(adapter, "run_sync")
    return Capabilities(protocols=tuple(adapter.protocols), sync=sync) if declared is None else declared
