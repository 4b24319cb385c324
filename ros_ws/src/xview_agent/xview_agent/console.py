"""The operator's page as a node: serves `xview_deploy.console` over this graph.

ros2 run xview_agent console --ros-args -r __ns:=/xview --params-file robot.yaml -p port:=8088
"""

from __future__ import annotations

from xview_deploy.console.server import ConsoleServer
from xview_deploy.console.settings import ConsoleSettings

from xview_agent.operator_link import OperatorLink
from xview_agent.parameters import declared
from xview_agent.running import FarewellNode, run


class ConsoleNode(FarewellNode):
    """Owns the link to the graph and the server that pages connect to."""

    def __init__(self) -> None:
        super().__init__("console")
        cameras = declared(self, "third_person_cameras", ["third_person"], "names of the cameras to mark targets on")
        settings = ConsoleSettings(
            host=declared(self, "host", "127.0.0.1", "address to listen on; any but loopback demands a token"),
            port=declared(self, "port", 8088, "port of the page; 0: any free one"),
            token=declared(self, "token", "", "password of the page, 16 characters and more"),
        )
        self._server = ConsoleServer(OperatorLink(self, tuple(cameras)), settings)
        self._server.start()
        self.get_logger().info(f"operator's page: {self._server.url}")

    def farewell(self) -> None:
        """Closes the page: its heartbeats end with it."""
        self._server.stop()


def main() -> None:
    """Entry point."""
    run(ConsoleNode)


if __name__ == "__main__":
    main()
