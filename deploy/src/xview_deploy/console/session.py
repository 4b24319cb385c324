"""One page's connection: pictures and states out, orders in, each checked before it does anything.

Stop and heartbeats are handled the moment they arrive; other orders one after the other, in a queue that dies
with the connection, so that nothing that was asked for before a reconnect happens after it.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from xview_deploy.console import messages
from xview_deploy.console.desk import Desk
from xview_deploy.console.draft import Draft, outline
from xview_deploy.console.frames import ShownFrames, binary_message
from xview_deploy.console.robot import Answer
from xview_deploy.console.state import goal_message, state_message
from xview_deploy.spec import ContractError, Event

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 5.0
PICTURE_PERIOD_S = 0.015  # how often the newest pictures are looked for
STATE_PERIOD_S = 0.1
MAX_WAITING_ORDERS = 8
GOING_AWAY = 1001  # close codes: this server ends, the page tries again until there is another
REFUSED = 4403  # the token was wrong, and will be wrong the next time

Orders = tuple[messages.Order, int]  # with the number of stops when it arrived


class Session:
    """Serves one page until it goes away."""

    def __init__(self, socket: WebSocket, desk: Desk) -> None:
        self.id = uuid.uuid4().hex
        self._socket = socket
        self._desk = desk
        self._robot = desk.robot
        self._settings = desk.settings
        self._shown = {
            camera: ShownFrames(camera) for camera in (self._robot.onboard_camera, *self._robot.third_person_cameras)
        }
        self._watched = self._robot.third_person_cameras[0]
        self._draft: Draft | None = None
        self._drafts = 0
        self._sending = anyio.Lock()
        self._stop_threads = anyio.CapacityLimiter(4)  # of its own: stopping never waits for a GrabCut

    async def serve(self) -> None:
        """Runs the connection to its end; never raises for anything that the page does."""
        await self._socket.accept()
        try:
            if not await self._greet():
                return
            put, take = anyio.create_memory_object_stream[Orders](MAX_WAITING_ORDERS)
            with put, take:
                async with anyio.create_task_group() as tasks:
                    for task in (self._send_pictures, self._send_states):
                        tasks.start_soon(self._until_gone, task, tasks)
                    tasks.start_soon(self._obey, take)
                    await self._until_gone(partial(self._receive, put, tasks), tasks)
        except WebSocketDisconnect:
            log.debug("page %s went away before it said hello", self.id)
        finally:
            self._desk.leave(self.id)

    async def _greet(self) -> bool:
        """Waits for a hello with the right token; False when the connection was refused or is gone."""
        refusal = "expected a hello first"
        with anyio.move_on_after(HELLO_TIMEOUT_S):
            try:
                hello = messages.parse(await self._next_text())
                if isinstance(hello, messages.Hello):
                    expected = self._settings.token.encode()
                    if hmac.compare_digest(hello.token.encode(), expected):
                        await self._welcome()
                        return True
                    refusal = "expected the token that the console was started with, in the address after #"
            except ContractError as error:
                refusal = str(error)
        await self._say({"type": "refused", "message": refusal})
        await self._socket.close(REFUSED)
        return False

    async def _welcome(self) -> None:
        if self._desk.control_of(self.id) == "free":
            self._desk.take_control(self.id)
        await self._say(
            {
                "type": "welcome",
                "onboard": self._robot.onboard_camera,
                "third_person": list(self._robot.third_person_cameras),
                "events": [event.value for event in Event],
                "tick": self._desk.tick(),
            }
        )

    # Out.

    async def _until_gone(self, task: Callable[[], Awaitable[None]], tasks: TaskGroup) -> None:
        try:
            await task()
        except WebSocketDisconnect:
            tasks.cancel_scope.cancel()

    async def _send_pictures(self) -> None:
        while True:
            for camera in (self._watched, self._robot.onboard_camera):
                frame = self._robot.frame(camera)
                if frame is not None and self._shown[camera].wants(frame):
                    self._shown[camera].sent(frame)
                    await self._send(binary_message(frame, self._desk.tick()))
            await anyio.sleep(PICTURE_PERIOD_S)

    async def _send_states(self) -> None:
        goal_id = None
        while not self._desk.closing:
            if self._desk.goal is not None and self._desk.goal.id != goal_id:
                goal_id = self._desk.goal.id
                await self._say(goal_message(self._desk.goal))
            shown = [self._shown[camera] for camera in (self._watched, self._robot.onboard_camera)]
            await self._say(state_message(self._desk, self.id, shown))
            await anyio.sleep(STATE_PERIOD_S)
        await self._socket.close(GOING_AWAY)
        raise WebSocketDisconnect

    async def _say(self, record: dict[str, Any]) -> None:
        await self._send(json.dumps(record, allow_nan=False))

    async def _send(self, data: str | bytes) -> None:
        """WebSocketDisconnect when the page is gone."""
        async with self._sending:
            try:
                await (self._socket.send_text(data) if isinstance(data, str) else self._socket.send_bytes(data))
            except RuntimeError:
                if self._socket.application_state is WebSocketState.CONNECTED:
                    raise
                raise WebSocketDisconnect from None

    async def _answer(self, request: int, answer: Answer) -> None:
        await self._say({"type": "answer", "request": request, "ok": answer.ok, "message": answer.message})

    # In.

    async def _next_text(self) -> str:
        """The next message as text; WebSocketDisconnect at the end, ContractError for a binary one."""
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1000))
        text = event.get("text")
        if text is None:
            raise ContractError("message: expected text, got a binary one")
        return str(text)

    async def _receive(self, put: MemoryObjectSendStream[Orders], tasks: TaskGroup) -> None:
        while True:
            try:
                self._route(messages.parse(await self._next_text()), put, tasks)
            except ContractError as error:
                await self._say({"type": "error", "message": str(error)})

    def _route(self, message: messages.Message, put: MemoryObjectSendStream[Orders], tasks: TaskGroup) -> None:
        if isinstance(message, messages.Stop):
            tasks.start_soon(self._stop, message.request)
        elif isinstance(message, messages.Heartbeat):
            self._desk.heartbeat(self.id, message.tick)
        elif isinstance(message, messages.Seen):
            self._shown_frames(message.camera).seen(message.frame)
        elif isinstance(message, messages.Watch):
            self._watch(message.camera)
        elif isinstance(message, messages.Order):
            try:
                put.send_nowait((message, self._desk.stops))
            except anyio.WouldBlock:
                raise ContractError(f"expected at most {MAX_WAITING_ORDERS} orders at once: wait") from None
        else:
            raise ContractError("hello: expected once, at the beginning, got another")

    def _watch(self, camera: str) -> None:
        if camera not in self._robot.third_person_cameras:
            known = ", ".join(self._robot.third_person_cameras)
            raise ContractError(f"camera: expected one of {known}, got {camera!r}")
        self._watched = camera

    def _shown_frames(self, camera: str) -> ShownFrames:
        if camera not in self._shown:
            raise ContractError(f"camera: expected one of {', '.join(self._shown)}, got {camera!r}")
        return self._shown[camera]

    async def _stop(self, request: int) -> None:
        answer = await anyio.to_thread.run_sync(self._desk.stop, limiter=self._stop_threads)
        await self._say_if_there(request, answer)

    async def _say_if_there(self, request: int, answer: Answer) -> None:
        try:
            await self._answer(request, answer)
        except WebSocketDisconnect:
            log.info("the page went away before it heard: %s", answer.message)

    # Orders, one at a time.

    async def _obey(self, take: MemoryObjectReceiveStream[Orders]) -> None:
        async for order, stops in take:
            try:
                self._desk.demand_fresh(order.tick)
                answer = await self._carry_out(order, stops)
            except ContractError as error:
                answer = Answer(False, str(error))
            except WebSocketDisconnect:
                return
            except Exception as error:  # the operator must hear of a fault instead of losing her console
                log.exception("order %s failed", type(order).__name__)
                answer = Answer(False, f"the console failed ({type(error).__name__}): nothing was done")
            await self._say_if_there(order.request, answer)

    async def _carry_out(self, order: messages.Order, stops: int) -> Answer:
        if isinstance(order, messages.TakeControl):
            self._desk.take_control(self.id)
            return Answer(True, "this page is the operator's now")
        self._desk.demand_control(self.id)
        if isinstance(order, messages.Arm):
            return await anyio.to_thread.run_sync(self._desk.arm, order.goal, stops)
        if isinstance(order, messages.Accept):
            return await self._accept(order)
        if isinstance(order, messages.Cancel):
            self._draft = None
            return Answer(True, "")
        draft = self._draft_for(order)
        await anyio.to_thread.run_sync(_change, draft, order)
        self._draft = draft
        await self._say(_draft_message(draft))
        return Answer(True, "")

    async def _accept(self, order: messages.Accept) -> Answer:
        draft = self._present_draft(order.draft)
        age_s, allowed_s = time.monotonic() - draft.made_s, self._settings.max_draft_age_s
        if age_s > allowed_s:
            raise ContractError(f"accept: expected a mark of at most {allowed_s:g} s, got {age_s:.0f} s: mark again")
        answer = await anyio.to_thread.run_sync(self._desk.accept, lambda goal_id: draft.goal(goal_id, order.event))
        if answer.ok:
            self._draft = None
        return answer

    def _draft_for(self, order: messages.Order) -> Draft:
        """The draft that an order changes; a click or box on another picture begins a new one."""
        if not isinstance(order, messages.Click | messages.DrawBox):
            return self._present_draft(getattr(order, "draft", -1))
        draft = self._draft
        if draft and (draft.frame.camera, draft.frame.number) == (order.camera, order.frame):
            return draft
        if order.camera not in self._robot.third_person_cameras:
            known = ", ".join(self._robot.third_person_cameras)
            raise ContractError(f"mark: expected a third-person camera ({known}), got {order.camera!r}")
        frame = self._shown_frames(order.camera).clicked(
            order.frame, order.stamp_ns, self._robot.now_ns(), self._settings.max_click_age_s
        )
        self._drafts += 1
        return Draft(self._drafts, frame, time.monotonic())

    def _present_draft(self, number: int) -> Draft:
        if self._draft is None or self._draft.number != number:
            raise ContractError(f"expected the present mark, got number {number}: mark the target again")
        return self._draft


def _change(draft: Draft, order: messages.Order) -> None:
    if isinstance(order, messages.Click):
        draft.click(order.point, order.on_target)
    elif isinstance(order, messages.DrawBox):
        draft.draw_box(order.box)
    elif isinstance(order, messages.Paint):
        draft.paint(order.points, order.radius, order.add)
    elif isinstance(order, messages.Polygon):
        draft.fill(order.points, order.add)
    elif isinstance(order, messages.Another):
        draft.another()
    elif isinstance(order, messages.Undo):
        draft.undo()


def _draft_message(draft: Draft) -> dict[str, Any]:
    marking = draft.marking
    height, width = marking.mask.shape
    return {
        "type": "draft",
        "draft": draft.number,
        "camera": draft.frame.camera,
        "frame": draft.frame.number,
        "width": width,
        "height": height,
        "outline": outline(marking.mask),
        "pixels": int(marking.mask.sum()),
        "proposal": marking.chosen + 1,
        "proposals": len(marking.proposals),
        "positive": marking.prompt.positive,
        "negative": marking.prompt.negative,
        "box": marking.prompt.box,
        "can_undo": draft.can_undo,
    }
