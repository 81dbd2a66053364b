# Coupler's image: `docker build -t coupler .`, or buildah with --format docker (the OCI format has no HEALTHCHECK).
#   --build-arg EXTRAS=rest,kafka   only these connectors' libraries; default all
#   --build-arg VERSION=… REVISION=…   for the labels

FROM python:3.13-slim AS build
WORKDIR /build
COPY tools/image/build.lock tools/image/select_pins.py tools/image/trim.py requirements.lock pyproject.toml ./

# Every package is a wheel whose hash stands in a lock file: nothing is compiled, nothing else is fetched.
ARG EXTRAS=all
RUN python select_pins.py "${EXTRAS}" >pins.txt \
    && python -m venv --without-pip /opt/coupler \
    && pip --python /opt/coupler/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: -r pins.txt \
    && pip install --no-cache-dir --no-compile --require-hashes --only-binary :all: -r build.lock

COPY README.md LICENSE ./
COPY runtime runtime
COPY connectors connectors
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/coupler/bin/python install --no-cache-dir --no-compile --no-deps dist/*.whl \
    && python trim.py /opt/coupler \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/coupler \
    && install -d -o 10001 -g 10001 /opt/plugins


FROM python:3.13-slim
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Coupler" \
      org.opencontainers.image.description="A connectors runtime for Camunda 8 and Zeebe" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim"

# The official image brings the standard library without bytecode; on a read-only root it would be compiled at each start.
RUN ["python", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-x", "/(site-packages|test|idlelib|tkinter|turtledemo|ensurepip|lib2to3|pydoc_data)/", "/usr/local/lib/python3.13"]

COPY --from=build /opt /opt

# PIP_… make `RUN ["pip", "install", …]` in an image built on this one add to /opt/plugins what is not there yet.
ENV PATH=/opt/coupler/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    COUPLER_ADMIN__HOST=0.0.0.0 \
    PIP_PYTHON=/opt/coupler/bin/python \
    PIP_PREFIX=/opt/plugins \
    PIP_NO_CACHE_DIR=1

USER 10001:10001
WORKDIR /etc/coupler
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s --retries=3 CMD ["coupler", "healthcheck"]
ENTRYPOINT ["coupler"]
CMD ["run"]
