"""Where the console listens and how old things may be before it refuses to act on them."""

from __future__ import annotations

import dataclasses
import ipaddress

from xview_deploy.spec import ContractError

MIN_TOKEN_CHARS = 16


@dataclasses.dataclass(frozen=True)
class ConsoleSettings:
    """A token is demanded for any address but loopback. It is a password: hand it out over a safe road."""

    host: str = "127.0.0.1"
    port: int = 8088  # 0: any free one
    token: str = ""
    max_click_age_s: float = 2.0  # of the picture that is clicked on
    max_order_lag_s: float = 1.0  # since the page last heard of this server, for anything that may move the robot
    max_heartbeat_lag_s: float = 0.5  # the same for heartbeats: a burst after a stall counts for nothing
    max_draft_age_s: float = 600.0  # from the first click to the acceptance
    max_report_age_s: float = 1.5  # of what gate and policy say, for arming
    operator_timeout_s: float = 2.0  # without a heartbeat, another page may take over unasked

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ContractError(f"console port: expected 0 to 65535, got {self.port}")
        if self.token and len(self.token) < MIN_TOKEN_CHARS:
            raise ContractError(f"console token: expected at least {MIN_TOKEN_CHARS} characters, got {len(self.token)}")
        if not self.token and not is_loopback(self.host):
            raise ContractError(
                f"console address: expected a loopback address or a token, got {self.host!r} without one: "
                "whoever reaches this page drives the robot"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
