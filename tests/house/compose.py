"""How tests of the containers read compose files and the Dockerfile."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import yaml

from tests.house.tree import ROOT

_VARIABLE = re.compile(r"\$\{\w+:-([^}]*)\}")
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH")
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def unset(text: str) -> dict[str, Any]:
    """A compose file as it is read where no variable is set."""
    read: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(r"\1", text))
    return read


def own_image(services: dict[str, Any]) -> set[str]:
    """The containers that run an image that a service of the file builds."""
    built = {service.get("image", name) for name, service in services.items() if "build" in service}
    return {name for name, service in services.items() if "build" in service or service.get("image") in built}


def as_root(services: dict[str, Any], dockerfile: str) -> set[str]:
    """The containers that run as root, for all that the two files say."""
    users = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)
    built = users[-1] if users else "root"
    own = own_image(services)
    chosen = {name: service.get("user", built if name in own else "root") for name, service in services.items()}
    return {name for name, user in chosen.items() if str(user).split(":")[0] in ("root", "0")}


def published(services: dict[str, Any]) -> dict[str, list[str]]:
    """Container → the ports that the world, or the host, can reach."""
    hosts = {name: ["all"] for name, service in services.items() if service.get("network_mode") == "host"}
    return {name: service["ports"] for name, service in services.items() if service.get("ports")} | hosts


def written_secrets(services: dict[str, Any]) -> list[str]:
    """The secrets that a compose file gives away, as `container: NAME`. A `…_FILE` or an empty default is none."""
    return [
        f"{name}: {variable}"
        for name, service in services.items()
        for variable, value in service.get("environment", {}).items()
        if (value and _SECRET_NAME.search(variable) and not variable.endswith("_FILE"))
        or _PASSWORD_IN_ADDRESS.search(str(value))
    ] + [
        f"{name}: requirepass" for name, service in services.items() if "requirepass" in str(service.get("command", ""))
    ]


def options(command: list[str]) -> set[str]:
    """`--name value` of a command, each as `name value`."""
    return {f"{word[2:]} {after}" for word, after in pairwise(command) if word.startswith("--")}


def is_chosen(image: str) -> bool:
    """Whether an image is the default of a variable that somebody may set."""
    return bool(_VARIABLE.fullmatch(image))


def services_of(name: str) -> dict[str, Any]:
    """The services of a compose file of the project, each with what it takes from another file."""
    services: dict[str, Any] = unset((ROOT / name).read_text("utf-8"))["services"]
    for service, told in services.items():
        if "extends" in told:
            source = told["extends"]
            services[service] = services_of(source["file"])[source["service"]] | {
                key: value for key, value in told.items() if key != "extends"
            }
    return services
