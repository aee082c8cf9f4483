# One image for API, worker and command line. The command of the API is the default; the worker's is `python worker.py`.

FROM python:3.12.14-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/quittance
COPY requirements.txt /tmp/requirements.txt
RUN /opt/quittance/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: --requirement /tmp/requirements.txt

FROM python:3.12.14-slim-bookworm
# What WeasyPrint loads at run time and pip cannot bring.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 quittance \
    && useradd --system --uid 10001 --gid quittance --home-dir /nonexistent --shell /usr/sbin/nologin quittance \
    && install --directory --owner quittance --group quittance --mode 0750 /var/lib/quittance/documents
COPY --from=packages /opt/quittance /opt/quittance
WORKDIR /app
COPY alembic.ini cli.py cli_books.py settings.py worker.py ./
COPY activities activities
COPY adapters adapters
COPY api api
COPY domain domain
COPY migrations migrations
COPY wording wording
COPY workflows workflows
ENV PATH=/opt/quittance/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp
USER quittance
EXPOSE 8000
CMD ["python", "-m", "api"]
