"""Log lines: readable on a terminal, one JSON object a line elsewhere, each with its request and task.

`settings.LOGGING_CONFIG` names `configure`, which gets `settings.LOGGING`: format (console, json or nothing) and level.
"""

import logging
import logging.config
import os
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from apps.core.secret_names import MASK, mask_text, names_a_secret

DEEPEST = 6


def configure(options: Mapping[str, str]) -> None:
    as_json = options.get("format") == "json" or (options.get("format") != "console" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True)
        if as_json
        else structlog.processors.TimeStamper("%H:%M:%S"),
        add_context,
        structlog.processors.StackInfoRenderer(),
        # Before masking, as tracebacks quote values too
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "lines": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        _json if as_json else structlog.dev.ConsoleRenderer(colors=_has_colours(), pad_event_to=30),
                    ],
                }
            },
            "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["lines"], "level": (options.get("level") or "info").upper()},
            "loggers": {
                # Django's own handlers off: everything leaves through the one above
                "django": {"handlers": [], "level": "INFO", "propagate": True},
                "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
                # The line of access says the status of 4xx already
                "django.request": {"level": "ERROR"},
                # So does it for a host that isn't ours, which scanners send by the thousand, each with a traceback
                "django.security.DisallowedHost": {"level": "CRITICAL"},
                "granian": {"handlers": [], "propagate": True},
            },
        }
    )


def add_context(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The request and the task at hand, unless the line says them itself."""
    # Not at the top: this module is loaded while the settings are
    from apps.core import context

    for name, value in vars(context.current()).items():
        if value and name not in event:
            event[name] = value
    return event


def mask_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Nothing that opens a door is written down, whatever its depth or the name it has."""
    return {key: _masked(key, value, depth=0) for key, value in event.items()}


def _masked(key: object, value: Any, *, depth: int) -> Any:
    if isinstance(key, str) and names_a_secret(key) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if depth >= DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {name: _masked(name, item, depth=depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", item, depth=depth + 1) for item in value]
    return value


def _json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _has_colours() -> bool:
    return not os.environ.get("NO_COLOR") and (sys.stderr.isatty() or os.environ.get("IMP_LOG_FORMAT") == "console")
