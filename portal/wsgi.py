import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.prod")
application = get_wsgi_application()

# After the server has forked: the module is loaded by the process that answers requests
from apps.core.processes.heartbeat import start_heartbeat  # noqa: E402
from apps.core.processes.memory import settle_memory  # noqa: E402
from apps.functions.compiling import warm_up  # noqa: E402

settle_memory()
start_heartbeat("web")
warm_up()
