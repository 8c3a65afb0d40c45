from __future__ import annotations

import base64
import json
from dataclasses import replace

from manifests.manifest import Credentials
from manifests.render.secrets import pull_secret, pull_secret_names


def decoded(secret):
    return json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))


def test_credentials_become_a_docker_config_with_blanks_trimmed(build, lease):
    web = build.service(credentials=Credentials(" registry.example.test ", "", " user", "pass word "))
    (secret,) = pull_secret(lease, web, "7")
    assert secret["metadata"]["name"] == "docker-creds-web"
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    auth = base64.b64encode(b"user:pass word").decode()
    login = {"username": "user", "password": "pass word", "auth": auth}
    assert decoded(secret) == {"auths": {"registry.example.test": login}}


def test_an_address_is_passed_on_when_given(build, lease):
    (secret,) = pull_secret(lease, build.service(credentials=Credentials("h", "me@example.net", "u", "ü")), "7")
    assert decoded(secret)["auths"]["h"]["email"] == "me@example.net"
    assert base64.b64decode(decoded(secret)["auths"]["h"]["auth"]).decode() == "u:ü"


def test_without_credentials_there_is_no_secret_and_the_site_s_is_used(build, lease, site):
    assert pull_secret(lease, build.service(), "7") == []
    assert pull_secret_names(build.service(), site) == []
    assert pull_secret_names(build.service(), replace(site, image_pull_secret="ours")) == [{"name": "ours"}]


def test_the_tenant_s_credentials_win_over_the_site_s(build, site):
    web = build.service(credentials=Credentials("h", "", "u", "p"))
    assert pull_secret_names(web, replace(site, image_pull_secret="ours")) == [{"name": "docker-creds-web"}]
