"""Games in processes of their own: what hangs or crashes is killed with all it started, and can be started anew."""

import collections
import itertools
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.envs.minecraft.backends import HOSTS
from xview_training.envs.minecraft.hosts import wire
from xview_training.envs.minecraft.supervisor import (
    Deadlines,
    GameDownError,
    GameProcess,
    MissingBackendError,
    ResetTimeoutError,
)

HOST = """
import os, subprocess, sys, time
sys.path.insert(0, {hosts!r})
import numpy as np
from serve import serve

class Game:
    def __init__(self, settings):
        {opening}
        self.ticks = 0
        self.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)

    def tick(self, keys, pitch_deg, yaw_deg, commands):
        self.ticks += 1
        if "hang" in commands:
            print("going to sleep", flush=True)
            time.sleep(3600)
        if "slow" in commands:
            time.sleep(0.5)
        if "exit" in commands:
            os._exit(7)
        if "raise" in commands:
            raise RuntimeError("the server went away")
        message = {{"feet": [self.ticks, os.getpid(), self.child.pid], "yaw_deg": yaw_deg, "pitch_deg": pitch_deg,
                   "dead": False, "counts": {{}}, "aim": None, "creatures": []}}
        if "nonsense" in commands:
            message["feet"] = "here"
        return message, {{"picture": np.full((4, 6, 3), self.ticks, np.uint8)}}

    revive = lambda self: self.tick([], 0.0, 0.0, [])

serve(Game)
"""


@pytest.fixture
def new_game(tmp_path):
    made = []

    def make(opening: str = "pass", **settings) -> GameProcess:
        host = tmp_path / "host.py"
        host.write_text(HOST.format(hosts=str(HOSTS), opening=opening))
        deadlines = settings.pop("deadlines", Deadlines(open_s=60, tick_s=1.0, revive_s=60))
        made.append(GameProcess(host, {}, deadlines=deadlines, install_hint="Install it so.", **settings))
        return made[-1]

    yield make
    for game in made:
        game.kill()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_end(*pids: int, deadline_s: float = 10.0) -> None:
    until_s = time.monotonic() + deadline_s
    while any(map(alive, pids)) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert not any(map(alive, pids))


def test_a_game_answers_ticks_with_its_pictures(new_game):
    game = new_game()
    assert game.start().picture.tolist() == np.full((4, 6, 3), 1).tolist()
    sight = game.tick(("forward",), 1.5, -2.5)
    assert (sight.view.x, sight.view.pitch_deg, sight.view.yaw_deg) == (2, 1.5, -2.5)
    assert game.revive().view.x == 3


def test_a_hung_game_meets_the_deadline_and_is_killed_with_all_it_started(new_game):
    game = new_game()
    pids = [int(value) for value in game.start().view[1:3]]
    assert all(map(alive, pids))
    began_s = time.monotonic()
    with pytest.raises(GameDownError, match=r"no answer to 'tick' within 1 s; it last said: going to sleep") as caught:
        game.tick(commands=("hang",))
    assert caught.value.kind == "hang"
    assert 1.0 <= time.monotonic() - began_s < 15.0
    await_end(*pids)
    assert not game.running


@pytest.mark.parametrize(
    ("command", "reason"),
    [("exit", "closed the connection"), ("raise", "the server went away"), ("nonsense", "expected feet")],
)
def test_a_crash_is_reported_with_its_reason_and_leaves_nothing_behind(new_game, command, reason):
    game = new_game()
    pids = [int(value) for value in game.start().view[1:3]]
    with pytest.raises(GameDownError, match=reason) as caught:
        game.tick(commands=(command,))
    assert caught.value.kind == "crash"
    await_end(*pids)


def test_a_killed_game_starts_anew(new_game):
    game = new_game()
    first = int(game.start().view.y)
    with pytest.raises(GameDownError):
        game.tick(commands=("exit",))
    with pytest.raises(GameDownError, match="not running"):
        game.tick()
    assert int(game.start().view.y) != first
    assert game.tick().view.x == 2
    assert game.started == 2


def test_a_game_that_does_not_open_in_time_is_killed(new_game):
    game = new_game("time.sleep(3600)", deadlines=Deadlines(open_s=2.0))
    with pytest.raises(GameDownError, match="no answer to 'open' within 2 s"):
        game.start()
    assert not game.running


def test_a_reset_as_a_whole_meets_its_deadline_though_each_answer_comes_in_time(new_game):
    game = new_game(deadlines=Deadlines(open_s=60, tick_s=60, reset_s=1.5))
    pids = [int(value) for value in game.start().view[1:3]]
    answers = (game.tick(commands=("slow",)) for _ in itertools.repeat(None))
    with pytest.raises(ResetTimeoutError, match=r"the task was not ready within 1.5 s") as caught, game.resetting():
        collections.deque(answers, maxlen=0)
    assert caught.value.kind == "hang"
    await_end(*pids)
    game.start()
    time.sleep(1.6)
    assert game.tick().view.x == 2, "what is no reset has only its own deadline"


def test_a_game_that_has_never_come_up_has_its_opening_s_time_beside_a_reset_s(new_game):
    game = new_game("time.sleep(1.0)", deadlines=Deadlines(open_s=60, tick_s=60, reset_s=0.5))
    with game.resetting():
        game.start()
    game.kill()
    with pytest.raises(ResetTimeoutError, match=r"within 0.5 s"), game.resetting():
        game.start()


def test_a_missing_package_is_named_with_how_to_get_it(new_game):
    with pytest.raises(MissingBackendError, match=r"No module named 'no_such_game'. Install it so."):
        new_game("import no_such_game").start()
    with pytest.raises(MissingBackendError, match=r"cannot run '/no/such/python': No such file.* Install it so."):
        new_game(python="/no/such/python").start()


def test_killing_one_game_leaves_its_neighbour_alone(new_game):
    one, other = new_game(), new_game()
    one.start()
    neighbour = [int(value) for value in other.start().view[1:3]]
    one.kill()
    assert all(map(alive, neighbour))
    assert other.tick().view.x == 2


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.booleans(), max_size=5),
    st.lists(st.tuples(st.sampled_from(["u1", "f4", "i8"]), st.integers(0, 4), st.integers(0, 5)), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_what_is_sent_comes_out_the_same(message, arrays):
    ours, theirs = socket.socketpair()
    sent = {f"a{k}": np.arange(h * w).reshape(h, w).astype(t) for k, (t, h, w) in enumerate(arrays)}
    with ours, theirs:
        sender = threading.Thread(target=wire.send, args=(ours, message, sent))
        sender.start()
        got, came = wire.receive(theirs, 10.0)
        sender.join()
    assert got == message
    assert came.keys() == sent.keys()
    assert all(came[name].dtype == sent[name].dtype and (came[name] == sent[name]).all() for name in sent)


@given(st.binary(min_size=1, max_size=64))
@settings(max_examples=40, deadline=None)
def test_garbage_on_the_wire_is_an_error_not_a_hang(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises((ConnectionError, ValueError, KeyError, TypeError)):
            wire.receive(theirs, 5.0)


def test_the_hosts_need_nothing_of_this_project():
    """They run in the game's own Python, by path."""
    for path in HOSTS.glob("*.py"):
        imports = [line for line in path.read_text().splitlines() if line.lstrip().startswith(("import ", "from "))]
        assert not [line for line in imports if "xview" in line], path.name
