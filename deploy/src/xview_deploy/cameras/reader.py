"""One camera in a thread of its own: always the newest picture, and patience with a camera that goes away.

The caller never waits: it takes the newest picture that it has not taken yet, if there is one. A source that is
lost is opened again after a pause that doubles up to a limit, and is short again once a picture came.

    reader = CameraReader(source_of("stream", url, SourceSettings()))
    reader.start()
    frame = reader.take()
    reader.close()
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable

import cv2

from xview_deploy.cameras.sources import PictureDamaged, Source, SourceLost
from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

CONNECTING, STREAMING, LOST, ENDED = "connecting", "streaming", "lost", "ended"
RATE_WINDOW_S = 3.0  # over which the rate is counted
LATE_S = 0.5  # a file whose pictures come later than this is played on from where it is, not hurried


@dataclasses.dataclass(frozen=True)
class BackOff:
    """How long to wait before a lost source is opened again."""

    first: float = 0.5  # s
    longest: float = 10.0  # s

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest < float("inf"):
            raise ContractError(f"back-off: expected 0 < first <= longest seconds, got {self.first} and {self.longest}")

    def pause_s(self, failures: int) -> float:
        """After that many failures in a row, 1 or more."""
        return min(self.first * 2.0 ** min(failures - 1, 60), self.longest)


class RateMeter:
    """Events a second, over the last few seconds."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque()

    def on_event(self, now_s: float) -> None:
        """One happened."""
        self._times.append(now_s)
        self._forget(now_s)

    def hz(self, now_s: float) -> float:
        """How many a second do happen; 0 where fewer than two did."""
        self._forget(now_s)
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)

    def _forget(self, now_s: float) -> None:
        while self._times and now_s - self._times[0] > self._window_s:
            self._times.popleft()


@dataclasses.dataclass(frozen=True, eq=False)
class CameraFrame:
    """One picture and when it was taken, in seconds on the monotonic clock."""

    picture: Pixels
    taken_s: float


@dataclasses.dataclass(frozen=True)
class CameraReport:
    """How a camera fares."""

    state: str  # connecting, streaming, lost or ended
    detail: str  # why it is lost; what was wrong with the last damaged picture
    frames: int  # pictures that came
    dropped: int  # of these, replaced by a newer one before anybody took them
    damaged: int  # pictures that did not decode
    reconnects: int  # times that it came back
    rate_hz: float
    silence_s: float  # since the newest picture, or since the start


class Tally:
    """The report of pictures that come from elsewhere, by their arrival; `CameraReader` keeps its own."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._rate = RateMeter()
        self._detail = ""
        self._frames = self._damaged = self._reconnects = 0
        self._newest_s: float | None = None

    def on_picture(self, now_s: float) -> None:
        """A sound one came."""
        if self._newest_s is not None and now_s - self._newest_s > self._timeout_s:
            self._reconnects += 1
        self._frames, self._newest_s = self._frames + 1, now_s
        self._rate.on_event(now_s)

    def on_damage(self, detail: str) -> None:
        """One came that is none."""
        self._damaged, self._detail = self._damaged + 1, detail

    def report(self, now_s: float) -> CameraReport:
        """The state and the counts up to now."""
        silence_s = 0.0 if self._newest_s is None else now_s - self._newest_s
        state = CONNECTING if self._newest_s is None else LOST if silence_s > self._timeout_s else STREAMING
        hz = self._rate.hz(now_s)
        return CameraReport(state, self._detail, self._frames, 0, self._damaged, self._reconnects, hz, silence_s)


class CameraReader:
    """Reads a source until closed. `notify` is called by the reading thread when there is something new."""

    def __init__(
        self, source: Source, back_off: BackOff | None = None, notify: Callable[[], None] = lambda: None
    ) -> None:
        self.source = source
        self._back_off, self._notify = back_off or BackOff(), notify
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._rate = RateMeter()
        self._frame: CameraFrame | None = None
        self._report = CameraReport(CONNECTING, "", 0, 0, 0, 0, 0.0, 0.0)
        self._newest_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"camera {source.name}", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Ends the reading. A thread that hangs in a dead device is left to the end of the process."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def take(self) -> CameraFrame | None:
        """The newest picture, once; None where there is no newer one than the last taken."""
        with self._lock:
            frame, self._frame = self._frame, None
        return frame

    def report(self) -> CameraReport:
        """The state and the counts up to now."""
        now_s = time.monotonic()
        with self._lock:
            return dataclasses.replace(self._report, rate_hz=self._rate.hz(now_s), silence_s=now_s - self._newest_s)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            before = self._report.frames
            try:
                self.source.open()
                self._read_on()
                self._tell(state=ENDED)
                return
            except (SourceLost, cv2.error) as lost:
                failures = 1 if self._report.frames > before else failures + 1
                self._tell(state=LOST, detail=str(lost))
            finally:
                self.source.close()
            self._stopping.wait(self._back_off.pause_s(failures))

    def _read_on(self) -> None:
        """Until the end of the source, or of this reader."""
        start_s: float | None = None
        while not self._stopping.is_set():
            try:
                grab = self.source.read()
            except PictureDamaged as damage:
                self._tell(detail=str(damage), damaged=self._report.damaged + 1)
                continue
            if grab is None:
                return
            now_s = time.monotonic()
            if grab.media_s is not None:
                if start_s is None or now_s - start_s - grab.media_s > LATE_S:
                    start_s = now_s - grab.media_s
                self._stopping.wait(max(start_s + grab.media_s - now_s, 0.0))
                now_s = time.monotonic()
            self._keep(CameraFrame(grab.picture, now_s if grab.taken_s is None else grab.taken_s), now_s)

    def _keep(self, frame: CameraFrame, now_s: float) -> None:
        with self._lock:
            report, came_back = self._report, self._report.state == LOST and self._report.frames > 0
            self._report = dataclasses.replace(
                report,
                state=STREAMING,
                detail="" if report.state == LOST else report.detail,
                frames=report.frames + 1,
                dropped=report.dropped + (self._frame is not None),
                reconnects=report.reconnects + came_back,
            )
            self._frame, self._newest_s = frame, now_s
            self._rate.on_event(now_s)
        self._say_so()

    def _tell(self, **changes: str | int) -> None:
        with self._lock:
            self._report = dataclasses.replace(self._report, **changes)  # type: ignore[arg-type]
        self._say_so()

    def _say_so(self) -> None:
        if not self._stopping.is_set():
            self._notify()
