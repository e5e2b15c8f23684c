"""What a gateway may use, and which of its stages share a process. People know a size as a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text


class StageName(TextChoices):
    """In the order in which code moves through them. Nothing else spells them out."""

    DEV = "dev", "dev"
    STAGING = "staging", "staging"
    PROD = "prod", "prod"


class SizeName(TextChoices):
    SMALL = "small", _("Small")
    STANDARD = "standard", _("Standard")
    LARGE = "large", _("Large")


@dataclass(frozen=True)
class Size:
    """Of each process."""

    milli_cpu: int
    memory_mb: int
    meaning: Text


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        SizeName.SMALL: Size(500, 256, _("Trials, internal tools, hooks that run now and then")),
        SizeName.STANDARD: Size(2_000, 1_024, _("Most APIs, with some calls at once")),
        SizeName.LARGE: Size(4_000, 4_096, _("Many calls at once, or much to hold in memory")),
    }
)


class Layout(TextChoices):
    SHARED = "shared", _("Shared")
    PROD_APART = "prod-apart", _("Prod apart")
    PER_STAGE = "per-stage", _("One for each stage")


@dataclass(frozen=True)
class Process:
    name: str
    stages: tuple[str, ...]


S = StageName
PROCESSES: Mapping[str, tuple[Process, ...]] = MappingProxyType(
    {
        Layout.SHARED: (Process("all", (S.DEV, S.STAGING, S.PROD)),),
        Layout.PROD_APART: (Process("dev-staging", (S.DEV, S.STAGING)), Process("prod", (S.PROD,))),
        Layout.PER_STAGE: tuple(Process(stage.value, (stage,)) for stage in S),
    }
)


def process_of(layout: str, stage: str) -> str:
    return next(process.name for process in PROCESSES[layout] if stage in process.stages)
