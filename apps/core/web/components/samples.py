"""What the Components page shows: the demo world, so that the parts carry real words and real numbers.

The page is read by those who build the console, so its own words aren't translated; the parts' are.
"""

import math
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from django.conf import settings

from apps.core import clock
from apps.core.charts import BarChart, LineChart, Part, Series, Whole
from apps.core.diffs import Diff, side_by_side

SVG = "{http://www.w3.org/2000/svg}"
TOKENS = {
    "surface": "bg sidebar surface surface-2 surface-3 line line-2 line-control text text-2 text-3 on-solid",
    "accent": "accent accent-soft accent-ink focus ok ok-soft warn warn-soft bad bad-soft idle idle-soft",
    "stages": "dev dev-soft staging staging-soft prod prod-soft",
    "charts": "c0 c1 c2 c3 c4 c5 c6 add add-hi del del-hi",
}
OLD = """const past = await imp.db('deliveries')
  .find({ carrier: carrier.id })
  .limit(50)

return average(past)
"""
NEW = """const past = await imp.db('deliveries')
  .find({ zone: zone.code, carrier: carrier.id })
  .sort({ at: -1 })
  .limit(200)

return percentile(past, 0.9)
"""


def context() -> dict[str, Any]:
    return {
        "sections": sections(),
        "tokens": tokens(),
        "icons": icons(),
        "buttons": buttons(),
        "tones": tones(),
        "gateways": gateways(),
        "steps_row": steps_row(),
        "steps_failed": steps_failed(),
        "feed": feed(),
        "facts": facts(),
        "touches": touches(),
        "tree": tree(),
        "log": log(),
        "diff": diff(),
        "latency": latency(),
        "answers": answers(),
        "revenue": revenue(),
        "rollout": rollout(),
        "rising": wave(30, 12),
        "falling": [-value for value in wave(20, 30)],
    }


def sections() -> list[tuple[str, str]]:
    return [
        ("colour", "Colour"),
        ("type", "Type and space"),
        ("icons", "Mark and icons"),
        ("buttons", "Buttons"),
        ("forms", "Forms"),
        ("badges", "Badges and stages"),
        ("navigation", "Navigation"),
        ("tables", "Tables"),
        ("cards", "Cards, lists, facts"),
        ("steps", "Steps and feed"),
        ("overlays", "Overlays"),
        ("messages", "Messages and states"),
        ("code", "Code, diff, log, tree"),
        ("charts", "Charts"),
        ("themes", "Both themes"),
    ]


def tokens() -> list[tuple[str, list[str]]]:
    labels = {
        "surface": "Surface and text",
        "accent": "Accent and phase",
        "stages": "Stages",
        "charts": "Charts and diffs",
    }
    return [(labels[group], names.split()) for group, names in TOKENS.items()]


def icons() -> list[str]:
    """The symbols of the sprite, read from it, so that none can be forgotten here."""
    sprite = ElementTree.parse(Path(settings.BASE_DIR) / "static" / "src" / "icons.svg")  # noqa: S314  our own file
    return [symbol.attrib["id"].removeprefix("i-") for symbol in sprite.iter(f"{SVG}symbol")]


def buttons() -> list[tuple[str, str]]:
    return [
        ("Default", ""),
        ("Primary", "is-primary"),
        ("Danger", "is-danger"),
        ("Confirm danger", "is-danger is-primary"),
        ("Ghost", "is-ghost"),
    ]


def tones() -> list[tuple[str, str, str]]:
    return [
        ("Settled, good", "started", "ok"),
        ("On the way", "starting", "busy"),
        ("Needs a look", "drifted", "warn"),
        ("Failed", "failed", "bad"),
        ("At rest", "stopped", "idle"),
    ]


def gateways() -> list[dict[str, Any]]:
    return [
        {"name": "billing-hooks", "phase": "stopping", "state": "stopped", "tone": "busy", "functions": 3, "trend": -1},
        {"name": "parcel-tracking", "phase": "running", "state": "running", "tone": "ok", "functions": 12, "trend": 1},
        {"name": "label-printing", "phase": "drifted", "state": "running", "tone": "warn", "functions": 5, "trend": 1},
    ]


def steps_row() -> list[dict[str, str]]:
    return [
        {"label": "Triggers", "note": "0.1 s", "status": "done"},
        {"label": "Functions", "note": "0.4 s", "status": "done"},
        {"label": "Stages", "note": "Removing routes", "status": "active"},
        {"label": "Runtime", "note": "Waits", "status": ""},
        {"label": "Database", "note": "Waits", "status": ""},
    ]


def steps_failed() -> list[dict[str, str]]:
    return [
        {"label": "Namespace", "note": "0.4 s", "status": "done"},
        {
            "label": "Database",
            "note": "Role exists with another owner. Tried 3 times, next in 27 s.",
            "status": "failed",
        },
        {"label": "Runtime", "note": "Waits for the database", "status": ""},
    ]


def feed() -> list[dict[str, Any]]:
    now = clock.now()
    return [
        {"tone": "ok", "text": "seoul-b applied revision 8,214", "at": now - timedelta(seconds=6)},
        {"tone": "bad", "text": "virginia-b stream closed", "at": now - timedelta(minutes=14)},
        {"symbol": "publish", "text": "박수진 released 1.9.0-rc.2 to staging", "at": now - timedelta(hours=3)},
        {"symbol": "key", "text": "Henrike Vos rotated a key", "at": now - timedelta(days=40)},
    ]


def facts() -> list[dict[str, Any]]:
    return [
        {"label": "Cluster", "value": "seoul-a"},
        {"label": "Bundle", "value": "Standard"},
        {"label": "Made", "value": "4 March by 박수진"},
        {"label": "Namespace", "value": "imp-gw-parcel-tracking-01j9t2c4v8", "is_code": True},
    ]


def touches() -> list[dict[str, Any]]:
    return [
        {"label": "Domains", "value": "track.tidewater.example and 1 more", "is_code": True},
        {"label": "Products", "value": "Shipment Tracking API, 126 subscribers"},
        {"label": "Now", "value": "running"},
        {"label": "After", "value": "stopped"},
    ]


def tree() -> list[dict[str, Any]]:
    return [
        {"name": "handler.ts", "url": "#code", "note": "entry", "is_current": True},
        {"name": "zones.ts", "url": "#code", "note": "1 error", "is_bad": True},
        {"name": "carriers", "children": [{"name": "pick.ts", "url": "#code"}, {"name": "rates.ts", "url": "#code"}]},
    ]


def log() -> list[dict[str, Any]]:
    at = clock.now().replace(microsecond=204_000)
    trace = "at zoneFor (zones.ts:23:18)\nat default (handler.ts:17:22)"
    return [
        {"at": at, "level": "info", "text": 'estimate {"zone":"ISLAND","hours":45.2}'},
        {"at": at - timedelta(milliseconds=5), "level": "warn", "text": "slow query deliveries.find, 240 ms"},
        {
            "at": at - timedelta(milliseconds=333),
            "level": "error",
            "text": "TypeError: Cannot read properties of undefined (reading 'code')",
            "request_id": "req_8fK2mQ",
            "detail": trace,
        },
        {"at": at - timedelta(milliseconds=338), "level": "debug", "text": "db zones.findOne miss, 0.8 ms"},
    ]


def diff() -> Diff:
    return side_by_side("handler.ts", OLD, NEW)


def latency() -> LineChart:
    hours = [f"{hour:02}:00" for hour in range(25)]
    return LineChart(
        label="Latency today: p50 near 18 ms, p95 near 44 ms, p99 near 100 ms",
        series=[
            Series("p99", [96 + value for value in wave(25, 18)], "s2"),
            Series("p95", [44 + value for value in wave(25, 8)], "s1", is_area=True),
            Series("p50", [18 + value for value in wave(25, 2)], "s6"),
        ],
        at=hours,
        marks=["00:00", "12:00", "24:00"],
        unit="ms",
        limit=120,
    )


def answers() -> BarChart:
    hours = [f"{hour:02}:00" for hour in range(24)]
    good = [60 + 2 * value for value in wave(24, 14)]
    return BarChart(
        label="Calls by answer, each hour of today",
        series=[
            Series("2xx", [round(value) for value in good], "s0"),
            Series("4xx", [round(value / 14) for value in good], "s-warn"),
            Series("5xx", [5 if hour in (4, 13) else 0 for hour in range(24)], "s-bad"),
        ],
        at=hours,
        marks=["00:00", "12:00", "24:00"],
    )


def revenue() -> Whole:
    parts = [
        Part("Growth", 48, "s1"),
        Part("Enterprise", 31, "s2"),
        Part("Overage", 14, "s3"),
        Part("Starter", 7, "s4"),
    ]
    return Whole("Revenue by plan", parts, total="8,412", unit="EUR")


def rollout() -> Whole:
    parts = [Part("applied", 84, "s-ok"), Part("delivering", 10, "s1"), Part("drifted", 6, "s-warn")]
    return Whole("84 applied, 10 delivering, 6 drifted", parts)


def wave(count: int, height: float) -> list[float]:
    """A curve that looks like a day of traffic and is the same each time."""
    return [height * (math.sin(i / 4) + 0.4 * math.sin(i * 1.7) + 0.2 * math.sin(i * 3.1)) for i in range(count)]
