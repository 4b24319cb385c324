"""How much memory the nodes of a running graph hold."""

from __future__ import annotations

import os

from xview_agent.starter import RunningGraph


def resident_mib(graph: RunningGraph) -> dict[str, float]:
    """Resident memory of each node's process (Linux)."""
    sizes = {}
    for name, process in graph.processes.items():
        with open(f"/proc/{process.pid}/statm", encoding="ascii") as statm:
            sizes[name] = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return sizes
