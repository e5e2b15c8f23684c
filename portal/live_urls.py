"""What the live process answers; everything else belongs to the web process."""

from django.urls import path, re_path

from apps.core.events.health import healthz, missing
from apps.core.events.stream import events
from apps.core.metrics import live_metrics
from apps.logs.streaming.stream import follow

urlpatterns = [
    path("live/events", events),
    path("live/logs", follow),
    path("healthz", healthz),
    path("metrics", live_metrics),
    re_path("", missing),
]
