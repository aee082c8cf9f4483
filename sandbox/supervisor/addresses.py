"""The ports of a stack: chosen once, so that its addresses stay the same from start to start."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sandbox.ports import free_ports, is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One port on 127.0.0.1 for each thing that listens."""

    api: int
    web: int
    temporal_ui: int
    stripe: int
    smtp: int
    temporal: int
    postgres: int


def kept_in(file: Path) -> Ports:
    """The ports of this file, or others when there is none yet or somebody else uses one of them."""
    try:
        ports = Ports(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return _choose(file)
    return ports if all(is_free(port) for port in asdict(ports).values()) else _choose(file)


def _choose(file: Path) -> Ports:
    names = [field.name for field in fields(Ports)]
    ports = Ports(**dict(zip(names, free_ports(len(names)), strict=True)))
    file.write_text(json.dumps(asdict(ports), indent=2))
    return ports
