"""The registry credentials a tenant gave for a service, as the Secret the kubelet pulls its image with."""

from __future__ import annotations

import base64
import json
from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render import names
from manifests.render.site import Site


def pull_secret(lease: LeaseID, service: Service, revision: str) -> list[dict[str, Any]]:
    """At most one Secret of type dockerconfigjson; blanks around what the tenant typed are not part of it."""
    given = service.credentials
    if given is None:
        return []
    host, username, password, email = (x.strip() for x in (given.host, given.username, given.password, given.email))
    entry = {"username": username, "password": password, "auth": _base64(f"{username}:{password}")}
    if email:
        entry["email"] = email
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": names.metadata(lease, names.credentials_secret(service.name), revision, service.name),
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": _base64(json.dumps({"auths": {host: entry}}, separators=(",", ":")))},
        }
    ]


def pull_secret_names(service: Service, site: Site) -> list[dict[str, str]]:
    """The pod's imagePullSecrets: the service's own, else the site's, else none."""
    name = names.credentials_secret(service.name) if service.credentials else site.image_pull_secret
    return [{"name": name}] if name else []


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
