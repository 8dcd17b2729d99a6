# One image for web, worker, beat and commands; docker-compose.yml says which of them a container is.
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}

# pip reads these from its environment; unset, it asks its usual index.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

ENV PATH=/opt/tloi/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=tloi_site.settings \
    TLOI_DATA_DIR=/var/lib/tloi \
    TLOI_STATIC_DIR=/srv/tloi/static

WORKDIR /srv/tloi/site
COPY requirements.lock ./
RUN python3 -m venv /opt/tloi \
    && pip install --no-cache-dir --require-hashes -r requirements.lock

COPY . ./
RUN pip install --no-cache-dir --no-index --no-deps --no-build-isolation -e . \
    && python -m compileall -q . \
    && chmod -R a+rX . \
    && python -c "import django; django.setup(); from tloi_site import assets; assets.collect()"

# Agents write files that only their own person may read; USER_ID is that person's.
ARG USER_ID=1000
RUN [ "${USER_ID}" -gt 0 ] \
    && useradd --non-unique --uid ${USER_ID} --user-group --create-home --shell /usr/sbin/nologin tloi \
    && install -d -o tloi -g tloi -m 700 /var/lib/tloi \
    && install -d -o tloi -g tloi -m 755 /var/lib/tloi-database
USER tloi
CMD ["tloi", "help"]
