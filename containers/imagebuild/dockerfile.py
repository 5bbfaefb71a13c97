"""Read from a Dockerfile what its last stage says of an image besides files.

In: the text and the values of its arguments. Out: the ``config`` object of an OCI image. The files
come from layers; COPY and RUN are not looked at.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

FILES = ("COPY", "RUN")


def instructions(text: str) -> list[tuple[str, str]]:
    """Every instruction with its operand, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(words[0].upper(), words[1].strip() if len(words) > 1 else "") for words in pairs]


def image_config(text: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """The configuration that the last stage of a Dockerfile gives its image.

    Raises ValueError for an argument without a value and for an instruction that is not known here.
    """
    config: dict[str, Any] = {"Env": [], "Labels": {}, "Volumes": {}}
    environment: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, operand in last_stage(text):
        if name in FILES:
            continue
        if name == "ARG":
            key, _, default = operand.partition("=")
            values[key] = arguments.get(key, default)
            continue
        said = filled(operand, values)
        if name == "ENV":
            environment |= pairs(said)
        elif name == "LABEL":
            config["Labels"] |= pairs(said)
        elif name == "VOLUME":
            config["Volumes"] |= {folder: {} for folder in json.loads(said)}
        elif name in ("ENTRYPOINT", "CMD"):
            config[name.capitalize()] = json.loads(said)
        elif name == "USER":
            config["User"] = said
        elif name == "WORKDIR":
            config["WorkingDir"] = said
        else:
            raise ValueError(f"the instruction {name} is not known to containers/dockerfile.py")
    config["Env"] = [f"{key}={value}" for key, value in environment.items()]
    return config


def last_stage(text: str) -> list[tuple[str, str]]:
    """The instructions after the last FROM."""
    found = instructions(text)
    starts = [index for index, (name, _) in enumerate(found) if name == "FROM"]
    if not starts:
        raise ValueError("the Dockerfile has no FROM")
    return found[starts[-1] + 1 :]


def filled(operand: str, values: Mapping[str, str]) -> str:
    """``${NAME}`` replaced by the value of an ARG. Raises ValueError where it has none."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not values.get(name):
            raise ValueError(f"the argument {name} of the Dockerfile has no value")
        return values[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, operand)


def pairs(operand: str) -> dict[str, str]:
    """``KEY=VALUE KEY="a value"`` as ENV and LABEL take them."""
    words = shlex.split(operand)
    if not all("=" in word for word in words):
        raise ValueError(f"ENV and LABEL are written NAME=VALUE, not {operand!r}")
    return dict(word.split("=", 1) for word in words)


def over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` on top of the configuration of a base image, as FROM has it."""
    environment = dict(entry.split("=", 1) for entry in (*(base.get("Env") or ()), *own["Env"]))
    return {
        **own,
        "Env": [f"{key}={value}" for key, value in environment.items()],
        "Labels": {**(base.get("Labels") or {}), **own["Labels"]},
        "Volumes": {**(base.get("Volumes") or {}), **own["Volumes"]},
    }
