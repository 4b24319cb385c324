"""A game's host: answers the environment's requests until it hangs up. Run by a back-end's host file, not alone.

It knows no task and no deadline: whoever asks keeps the time, and kills this process with the game in it.

Requests: open (settings), tick (keys, pitch_deg, yaw_deg, commands), revive. Each answer is a sight (see
minecraft/sight.py), or names what went wrong: missing (a package), or crash.
"""

import socket
import sys
import traceback

import wire


def serve(open_game):
    """open_game(settings) gives an object with tick(...) and revive(), each returning (message, arrays)."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    games = []
    while True:
        try:
            request, _ = wire.receive(sock)
        except ConnectionError:
            return
        try:
            if request["ask"] == "open":
                games.append(open_game(request["settings"]))
                answer = games[-1].tick([], 0.0, 0.0, [])
            elif request["ask"] == "revive":
                answer = games[-1].revive()
            else:
                answer = games[-1].tick(request["keys"], request["pitch_deg"], request["yaw_deg"], request["commands"])
        except ImportError as error:
            answer = {"missing": str(error)}, {}
        except Exception as error:  # whatever a game's package raises is its crash
            traceback.print_exc()
            answer = {"crash": f"{type(error).__name__}: {error}"}, {}
        wire.send(sock, *answer)
