# syntax=docker/dockerfile:1
# One image for every process: serve (the default, all in one), web, worker, migrate.
#   docker build -t minirag . && docker run --rm -p 8000:8000 -v minirag:/data minirag

FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/minirag
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Requirements first: they change rarely, and this layer is the large one.
COPY requirements/uv.txt requirements/runtime.txt requirements/
RUN python -m pip install --require-hashes --requirement requirements/uv.txt \
    && uv venv --python /usr/local/bin/python .venv \
    && uv pip sync --python .venv/bin/python --require-hashes --compile-bytecode requirements/runtime.txt
COPY pyproject.toml README.md alembic.ini ./
COPY alembic alembic
COPY app app
RUN uv pip install --python .venv/bin/python --no-build-isolation --no-deps --editable . \
    && .venv/bin/python -m compileall -q app

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin minirag \
    && install --directory --owner=minirag --group=minirag --mode=0700 /data
WORKDIR /srv/minirag
# The environment and the code belong to root: a process that is taken over cannot rewrite itself.
COPY --from=build /srv/minirag/.venv .venv
COPY --from=build /srv/minirag/pyproject.toml /srv/minirag/alembic.ini ./
COPY --from=build /srv/minirag/alembic alembic
COPY --from=build /srv/minirag/app app
ENV PATH=/srv/minirag/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MINIRAG_HOST=0.0.0.0 \
    MINIRAG_PORT=8000 \
    MINIRAG_DATA_DIR=/data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Exec form throughout: the process itself gets the signal, and there is no shell to be used by anybody.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"MINIRAG_PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["minirag"]
CMD ["serve"]
