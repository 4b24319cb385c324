"""ROS domains: numbers under which graphs do not see each other."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection

FIRST_PORT, PORTS_PER_DOMAIN, UNICAST_OFFSET = 7400, 250, 10  # of the DDS wire protocol
LAST_DOMAIN = 101  # above it, ports reach the range that Linux hands to clients


def free_domain_id(taken: Collection[int] = ()) -> int:
    """A domain in which nobody on this machine speaks; different processes begin their search apart.

    taken: domains that graphs have been promised whose nodes do not speak yet.
    """
    span = LAST_DOMAIN
    for offset in range(span):
        domain_id = 1 + (os.getpid() + offset) % span
        if domain_id not in taken and _is_free(domain_id):
            return domain_id
    raise RuntimeError(f"expected a free ROS domain from 1 to {LAST_DOMAIN}, found participants in all of them")


def _is_free(domain_id: int) -> bool:
    """Whether the first participant's port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
        try:
            first.bind(("", FIRST_PORT + PORTS_PER_DOMAIN * domain_id + UNICAST_OFFSET))
        except OSError:
            return False
    return True
