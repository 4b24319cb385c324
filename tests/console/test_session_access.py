"""Who may speak to the console at all."""

import json

import pytest
from console_page import HOST, PATIENT, SOCKET, client_for, opened
from starlette.websockets import WebSocketDisconnect
from xview_deploy.console.app import make_app
from xview_deploy.console.desk import Desk
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.spec import ContractError


def test_page_and_its_files_carry_protective_headers(client):
    for path in ("/", "/static/main.js", "/static/console.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert client.get("/static/../session.py").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}, {"host": "["}]
)
def test_foreign_host_or_origin_is_refused(client, headers):
    assert client.get("/", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass


def test_own_origin_is_welcome(client):
    with client.websocket_connect(SOCKET, headers={"origin": HOST}):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "robot.local", "::"])
def test_address_beyond_loopback_demands_a_token(host):
    with pytest.raises(ContractError, match="expected a loopback address or a token"):
        ConsoleSettings(host=host)
    assert ConsoleSettings(host=host, token="x" * 16)


def test_short_token_is_refused():
    with pytest.raises(ContractError, match="at least 16 characters, got 5"):
        ConsoleSettings(token="12345")


@pytest.mark.parametrize("first", ['{"type": "hello", "token": "wrong"}', '{"type": "stop", "request": 1}', "{"])
def test_without_the_token_nothing_is_said_or_done(robot, first):
    with client_for(robot, ConsoleSettings(token="a-long-secret-word")) as client:
        with client.websocket_connect(SOCKET) as socket:
            socket.send_text(first)
            refusal = json.loads(socket.receive_text())
            assert refusal["type"] == "refused"
            with pytest.raises(WebSocketDisconnect):
                socket.receive_text()
        assert robot.stops == 0
        with opened(client, token="a-long-secret-word") as page:
            assert page.latest["welcome"]["onboard"] == "onboard"


def test_robot_without_a_third_person_camera_is_refused(robot):
    robot.third_person_cameras = ()
    with pytest.raises(ContractError, match="at least one third-person camera"):
        make_app(Desk(robot, PATIENT))
