"""The containers of a cluster keep the rules of those of one machine, and differ where a cluster does."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import yaml

from tests.house import compose
from tests.house.tree import ROOT

FILE = "docker-compose.scale.yml"
DATABASES = {"coordinator", "shards-1", "shards-2"}
REPLICAS = {"web": 2, "worker": 2}
STAY = {"proxy", "web", "gateway", "worker", "beat", "redis", "cache"} | DATABASES
TEXT = (ROOT / FILE).read_text("utf-8")
SERVICES = compose.services_of(FILE)
ONE_MACHINE = compose.services_of("docker-compose.yml")


def words(service: dict[str, Any]) -> str:
    """What a container runs, as one text."""
    return " ".join(service["command"])


def test_there_is_a_container_for_each_process_and_several_of_those_that_scale() -> None:
    assert set(SERVICES) == STAY | {"secrets", "migrate"}
    assert {
        name: service["deploy"]["replicas"] for name, service in SERVICES.items() if "deploy" in service
    } == REPLICAS


def test_no_container_runs_as_root_or_may_become_more() -> None:
    assert compose.as_root(SERVICES, (ROOT / "Dockerfile").read_text("utf-8")) == set()
    assert all(service["cap_drop"] == ["ALL"] for service in SERVICES.values())
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in SERVICES.values())


def test_only_the_proxy_publishes_a_port_and_to_this_machine_only() -> None:
    assert compose.published(SERVICES) == {"proxy": ["127.0.0.1:8000:8000"]}


def test_what_asks_models_knows_this_machine_by_name() -> None:
    knows = {name for name, service in SERVICES.items() if "extra_hosts" in service}
    assert knows == {"gateway", "worker"}
    assert all(SERVICES[name]["extra_hosts"] == ONE_MACHINE[name]["extra_hosts"] for name in knows)


def test_no_secret_is_written_down() -> None:
    assert compose.written_secrets(SERVICES) == []


def test_the_containers_that_stay_say_how_they_are_and_come_back() -> None:
    assert {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("test")} == STAY
    assert {name for name, service in SERVICES.items() if service.get("restart") == "unless-stopped"} == STAY


def test_every_server_is_up_before_the_tables_are_cut_and_the_tables_before_they_are_used() -> None:
    healthy = {"condition": "service_healthy"}
    assert SERVICES["migrate"]["depends_on"] == dict.fromkeys(sorted(DATABASES), healthy)
    done = {"migrate": {"condition": "service_completed_successfully"}}
    assert all(done.items() <= SERVICES[name]["depends_on"].items() for name in ("web", "gateway", "worker", "beat"))
    assert SERVICES["proxy"]["depends_on"] == {"web": healthy}


def test_the_cluster_that_is_formed_is_the_one_that_is_started() -> None:
    (line,) = [line for line in SERVICES["migrate"]["command"][-1].splitlines() if "distribute" in line]
    told = [(option, host) for option, host in pairwise(line.split()) if option.startswith("--")]
    assert dict(told)["--coordinator"] == "coordinator"
    assert {host for option, host in told if option == "--worker"} == DATABASES - {"coordinator"}
    assert SERVICES["web"]["environment"]["DATABASE_URL"] == "postgresql://tloi@coordinator:5432/tloi"
    assert all("shared_preload_libraries=citus" in words(SERVICES[name]) for name in DATABASES)


def test_the_processes_are_started_as_on_one_machine() -> None:
    for name in ("web", "gateway", "worker", "beat"):
        assert SERVICES[name]["command"] == ONE_MACHINE[name]["command"]
        assert SERVICES[name]["healthcheck"] == ONE_MACHINE[name]["healthcheck"]
    assert all(SERVICES[name] == ONE_MACHINE[name] for name in ("secrets", "redis", "cache"))


def test_every_setting_of_one_machine_reaches_the_containers() -> None:
    for name in ("migrate", "web", "gateway", "worker", "beat"):
        assert set(SERVICES[name]["environment"]) == set(ONE_MACHINE[name]["environment"])


def test_the_proxy_finds_web_and_says_where_a_request_came_from() -> None:
    config = words(SERVICES["proxy"])
    port = SERVICES["web"]["environment"]["TLOI_PORT"]
    assert f"set $$web http://web:{port};" in config
    assert f"set $$gateway http://gateway:{SERVICES['gateway']['environment']['TLOI_GATEWAY_PORT']};" in config
    assert "listen 8000;" in config
    assert "proxy_set_header X-Forwarded-For $$remote_addr;" in config
    assert SERVICES["web"]["environment"]["TLOI_TRUST_PROXY"] == "1"


def test_no_dollar_of_the_proxys_words_is_taken_for_a_variable() -> None:
    command = yaml.safe_load(TEXT)["services"]["proxy"]["command"][-1]
    alone = re.sub(r"\$\$", "", re.sub(r"\$\{\w+:-[^}]*\}", "", command))
    assert "$" not in alone


def test_what_must_survive_lies_in_named_volumes_and_no_two_servers_share_one() -> None:
    named = compose.unset(TEXT)["volumes"]
    mounts = {name: [one.split(":") for one in service.get("volumes", [])] for name, service in SERVICES.items()}
    assert all(mount[0] in named for found in mounts.values() for mount in found)
    data = [mount[0] for name in sorted(DATABASES) for mount in mounts[name] if mount[1] == "/var/lib/postgresql"]
    assert data == sorted(DATABASES)
    assert all(SERVICES[name]["environment"]["PGDATA"].startswith("/var/lib/postgresql/") for name in DATABASES)


def test_every_base_image_can_be_chosen_and_one_service_builds_ours() -> None:
    raw = yaml.safe_load(TEXT)["services"]
    own = compose.own_image(SERVICES)
    assert own == {"secrets", "migrate", "web", "gateway", "worker", "beat"}
    foreign = {service["image"] for name, service in raw.items() if name not in own and "image" in service}
    assert len(foreign) == 2
    assert all(compose.is_chosen(image) for image in foreign)
    assert all(SERVICES[name]["pull_policy"] == "never" for name in own)
