# Two stages: the first compiles (the wire declarations, the wheel, every module's bytecode), the second only runs.
# The image needs nothing it could write: run it with --read-only and a volume at /var/lib/akp.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY manifests ./manifests
COPY bidengine ./bidengine
COPY provider ./provider
RUN python -m venv /opt/akp \
 && PIP_CONSTRAINT=constraints.txt pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && PIP_CONSTRAINT=constraints.txt /opt/akp/bin/pip install --no-cache-dir "$(echo /wheels/*.whl)[armor]"

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 akp \
 && useradd --uid 10001 --gid akp --no-create-home --home-dir /var/lib/akp --shell /usr/sbin/nologin akp \
 && install --directory --owner akp --group akp --mode 0750 /var/lib/akp
COPY --from=build /opt/akp /opt/akp
ENV PATH=/opt/akp/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/akp
VOLUME /var/lib/akp
# Tenants' HTTPS API, the gRPC status service, metrics and health.
EXPOSE 8443 8444 8080
ENTRYPOINT ["akp"]
CMD ["run", "--config", "/etc/akp/config.yaml"]
