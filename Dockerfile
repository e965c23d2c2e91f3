# syntax=docker/dockerfile:1
# docker build -t tonekeep .   Another base with Python 3.11 or newer: --build-arg BASE=…
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.lock ./
RUN python3 -m venv /venv \
    && /venv/bin/pip install --quiet --require-hashes -r requirements.lock \
    && /venv/bin/pip uninstall --quiet --yes pip

FROM ${BASE}
# tini is the init: it passes signals on and reaps what a killed worker leaves.
RUN command -v tini >/dev/null && command -v setpriv >/dev/null \
    || { apt-get update -q && apt-get install -y -q --no-install-recommends tini util-linux && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py requirements.lock LICENSE ./
COPY catalog ./catalog
COPY config ./config
COPY downloads ./downloads
COPY demo ./demo
COPY static ./static
COPY templates ./templates
COPY .env.example ./
COPY docker/entrypoint docker/healthcheck /usr/local/bin/
# docker exec -it tonekeep tonekeep COMMAND: as the same user as the container's own processes.
RUN ln -s entrypoint /usr/local/bin/tonekeep
# Compiled once: the root file system may be read-only.
RUN /venv/bin/python -m compileall -q /app /venv/lib && mkdir -p /data /music && chmod 0755 /app /data /music
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data MUSIC_DIR=/music ENV_FILE=/dev/null HOME=/data BIND=0.0.0.0 PORT=8000 \
    COMMAND_PREFIX="docker exec -it tonekeep tonekeep" PUID=1000 PGID=1000 UMASK=022
EXPOSE 8000
VOLUME ["/data"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["healthcheck"]
ENTRYPOINT ["tini", "--", "entrypoint"]
CMD ["run"]
