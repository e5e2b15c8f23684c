"""The tables of the floor, each written beside the code that uses it."""

from apps.core.api.models import *  # noqa: F403
from apps.core.events.models import *  # noqa: F403
from apps.core.lifecycle.models import *  # noqa: F403
from apps.core.mail.models import *  # noqa: F403
from apps.core.processes.models import *  # noqa: F403
from apps.core.queue.models import *  # noqa: F403
