"""The operator's page as a node: serves `xview_deploy.console` over this graph.

ros2 run xview_agent console --ros-args -r __ns:=/xview --params-file robot.yaml -p port:=8088
"""

from __future__ import annotations

from xview_deploy.console.server import ConsoleServer
from xview_deploy.console.settings import ConsoleSettings

from xview_agent.managed import ManagedNode
from xview_agent.operator_link import OperatorLink
from xview_agent.parameters import declared
from xview_agent.running import run


class ConsoleNode(ManagedNode):
    """Owns the link to the graph and the server that pages connect to."""

    def __init__(self) -> None:
        super().__init__("console")
        cameras = declared(self, "third_person_cameras", ["third_person"], "names of the cameras to mark targets on")
        self._cameras = tuple(cameras)
        self._settings = ConsoleSettings(
            host=declared(self, "host", "127.0.0.1", "address to listen on; any but loopback demands a token"),
            port=declared(self, "port", 8088, "port of the page; 0: any free one", low=0, high=65535),
            token=declared(self, "token", "", "password of the page, 16 characters and more"),
        )

    def configure(self) -> None:
        """Joins the graph."""
        self._link = OperatorLink(self, self._cameras)

    def activate(self) -> None:
        """Opens the page."""
        self._server = ConsoleServer(self._link, self._settings)
        self._server.start()
        self.get_logger().info(f"operator's page: {self._server.url}")

    def deactivate(self) -> None:
        """Closes the page: its heartbeats end with it, so the gate stops a robot that drives."""
        self._server.stop()

    def cleanup(self) -> None:
        """Leaves the graph."""
        self._link.close()


def main() -> None:
    """Entry point."""
    run(ConsoleNode)


if __name__ == "__main__":
    main()
