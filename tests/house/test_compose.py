"""The containers: what `tloi up` starts, one each, none as root, none with a password written down, one open port."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.importer.registry import LOCAL_SOURCES
from tests.house.compose import as_root, is_chosen, options, own_image, published, services_of, unset, written_secrets
from tests.house.tree import ROOT
from tloi_site.embedded import site, valkey
from tloi_site.env import SETTINGS

STAY = {"db", "redis", "cache", "web", "gateway", "worker", "beat"}
ONCE = {"secrets", "migrate"}
ASKED_FOR = {"import"}
DATA_DIR = "/var/lib/tloi"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")


SERVICES = services_of("docker-compose.yml")


def test_there_is_a_container_for_each_process() -> None:
    assert set(SERVICES) == STAY | ONCE | ASKED_FOR
    assert {name for name, service in SERVICES.items() if "profiles" in service} == ASKED_FOR


def test_no_container_runs_as_root() -> None:
    assert as_root(SERVICES, DOCKERFILE) == set()


def test_a_container_that_runs_as_root_is_found() -> None:
    services: dict[str, Any] = {
        "web": {"build": ".", "image": "tloi"},
        "beat": {"image": "tloi"},
        "db": {"image": "postgres"},
        "redis": {"user": "0:0"},
        "cache": {"user": "redis"},
    }
    assert as_root(services, "FROM python\nUSER tloi\nUSER root\n") == {"web", "beat", "db", "redis"}
    assert as_root(services, "FROM python\n") == {"web", "beat", "db", "redis"}
    assert as_root(services, "FROM python\nUSER tloi\n") == {"db", "redis"}


def test_only_web_and_gateway_publish_a_port_and_to_this_machine_only() -> None:
    assert published(SERVICES) == {"web": ["127.0.0.1:8000:8000"], "gateway": ["127.0.0.1:8001:8001"]}


def test_a_published_port_is_found() -> None:
    services: dict[str, Any] = {"db": {"ports": ["5432:5432"]}, "redis": {"network_mode": "host"}, "cache": {}}
    assert set(published(services)) == {"db", "redis"}


def test_what_asks_models_knows_this_machine_by_name() -> None:
    knows = {name: service["extra_hosts"] for name, service in SERVICES.items() if "extra_hosts" in service}
    assert knows == {name: ["host.docker.internal:host-gateway"] for name in ("gateway", "worker")}


def test_no_secret_is_written_down() -> None:
    assert written_secrets(SERVICES) == []


@pytest.mark.parametrize(
    "service",
    [
        {"environment": {"POSTGRES_PASSWORD": "tloi"}},
        {"environment": {"TLOI_SECRET_KEY": "change-me"}},
        {"environment": {"DATABASE_URL": "postgresql://tloi:tloi@db/tloi"}},
        {"command": ["redis-server", "--requirepass", "tloi"]},
    ],
)
def test_a_written_secret_is_found(service: dict[str, Any]) -> None:
    assert len(written_secrets({"db": service})) == 1


def test_the_containers_that_stay_say_how_they_are_and_come_back() -> None:
    assert {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("test")} == STAY
    assert {name for name, service in SERVICES.items() if service.get("restart") == "unless-stopped"} == STAY


def test_what_uses_the_tables_waits_until_they_are_migrated() -> None:
    waits = {"migrate": {"condition": "service_completed_successfully"}}
    users = ("web", "gateway", "worker", "beat", "import")
    assert all(waits.items() <= SERVICES[name]["depends_on"].items() for name in users)
    assert SERVICES["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_every_base_image_can_be_chosen() -> None:
    raw = yaml.safe_load(COMPOSE)["services"]
    foreign = {name: raw[name]["image"] for name in raw.keys() - own_image(raw)}
    assert set(foreign) == {"db", "redis", "cache"}
    assert all(is_chosen(image) for image in foreign.values())
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases == ["${PYTHON_IMAGE}"]
    assert is_chosen(raw["secrets"]["build"]["args"]["PYTHON_IMAGE"])


def waits_for(name: str) -> set[str]:
    """What a container waits for, directly or not."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*(waits_for(other) for other in direct))


def test_one_service_builds_the_image_and_all_that_run_it_wait_for_that_one_and_pull_none() -> None:
    own = own_image(SERVICES)
    assert {name for name, service in SERVICES.items() if "build" in service} == {"secrets"}
    assert all("secrets" in waits_for(name) for name in own - {"secrets"})
    assert all(SERVICES[name]["pull_policy"] == "never" for name in own)


def test_the_processes_are_started_as_tloi_up_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES["web"]["environment"].items():
        if name.startswith("TLOI_"):
            monkeypatch.setenv(name, str(value))
    for name, process in (("web", site.web), ("gateway", site.gateway), ("worker", site.worker), ("beat", site.beat)):
        assert SERVICES[name]["command"] == ["python", *process(Path(DATA_DIR)).command[1:]]


def test_broker_and_cache_keep_the_rules_of_the_private_ones() -> None:
    assert set(valkey.BROKER) <= options(SERVICES["redis"]["command"])
    assert set(valkey.CACHE) <= options(SERVICES["cache"]["command"])


def test_what_must_survive_lies_in_named_volumes() -> None:
    named = unset(COMPOSE)["volumes"]
    mounts = {name: [mount.split(":") for mount in service.get("volumes", [])] for name, service in SERVICES.items()}
    assert all(mount[0] in named for found in mounts.values() for mount in found)
    assert all(["tloi", DATA_DIR] in mounts[name] for name in {"secrets", "migrate"} | STAY - {"db", "redis", "cache"})
    assert ["db", "/var/lib/postgresql"] in mounts["db"]
    assert SERVICES["db"]["environment"]["PGDATA"].startswith("/var/lib/postgresql/")
    assert mounts["redis"] == [["redis", "/data"]]
    assert mounts["cache"] == []


def writable_homes(services: dict[str, Any]) -> list[str]:
    """Mounts of folders at home, which are the agents', that a container may write, and those of others than import."""
    return [
        f"{name}: {mount}"
        for name, service in services.items()
        for mount in service.get("volumes", [])
        if ":/home/" in mount and not (mount.endswith(":ro") and name in ASKED_FOR)
    ]


def test_only_import_sees_the_agents_folders_and_cannot_write_there() -> None:
    assert writable_homes(SERVICES) == []


def test_every_agents_usual_folder_is_mounted() -> None:
    inside = [Path(mount.split(":")[1]) for mount in SERVICES["import"]["volumes"]]
    for source in LOCAL_SOURCES:
        usual = source.folders({}, Path("/home/tloi"))
        assert any(folder in (mount, *mount.parents) for folder in usual for mount in inside), source.name


def test_the_page_tells_each_folder_as_import_sees_it() -> None:
    page = (ROOT / "docs/docker.md").read_text("utf-8")
    seen = re.findall(r"\$\{(\w+):-no-transcripts\}:/home/tloi/(\S+):ro", COMPOSE)
    assert re.findall(r"^([A-Z_]+) (\S+)$", page, re.MULTILINE) == seen


def test_a_folder_that_could_be_written_is_found() -> None:
    services: dict[str, Any] = {"import": {"volumes": ["x:/home/tloi/.codex", "tloi:/var/lib/tloi", "y:/home/a:ro"]}}
    assert writable_homes(services) == ["import: x:/home/tloi/.codex"]
    assert writable_homes({"web": {"volumes": ["y:/home/a:ro"]}}) == ["web: y:/home/a:ro"]


def test_every_setting_reaches_the_containers() -> None:
    in_image = set(re.findall(r"\b([A-Z_]+)=", DOCKERFILE))
    only_on_loopback = {"TLOI_DEBUG"}
    only_for_up = {"TLOI_LOCAL_MODEL", "TLOI_LOCAL_MODEL_PORT"}  # a container's 127.0.0.1 is nobody's model server
    declared = {setting.name for setting in SETTINGS} - in_image - only_on_loopback - only_for_up
    for name in ("migrate", "web", "gateway", "worker", "beat", "import"):
        assert declared <= set(SERVICES[name]["environment"])


def test_the_image_is_built_from_what_is_named_and_nothing_else() -> None:
    patterns = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [pattern for pattern in patterns if pattern and not pattern.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not let_in & {".", ".env", ".git", ".tloi", ".venv", "tests"}
    assert {"requirements.lock", "tloi_site", "telemetry", "templates", "static"} <= let_in
