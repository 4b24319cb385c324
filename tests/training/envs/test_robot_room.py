"""The simulated robot moves by REP-103 and its cameras are what their intrinsics say."""

import math

import numpy as np
import pytest
from xview_training.envs.robot_room import CORNER, EYE, ONBOARD, ROBOT_WIDTH, THIRD_PERSON, RobotRoom
from xview_training.sim import physics
from xview_training.sim.blocks import FIRST_CANDIDATE
from xview_training.sim.camera import half_tangents, pack, project

DT_S = 0.05


@pytest.fixture(scope="module")
def shared():
    return RobotRoom(seed=1)


@pytest.fixture
def room(shared):
    """Trial 1 from its beginning."""
    shared.load(1)
    return shared


def clear(room: RobotRoom, ahead_blocks: float = 6.0) -> None:
    """Empties the house around the robot, so that it may drive about; the target stays."""
    body, target = room.sim.body[0], room.task.target
    kept = room.sim.grid[0, target[0], target[2], target[1]]
    x, z = int(body[physics.X]), int(body[physics.Z])
    reach = int(ahead_blocks)
    room.sim.grid[0, max(x - reach, 1) : x + reach, max(z - reach, 1) : z + reach, 4:] = 0
    room.sim.grid[0, target[0], target[2], target[1]] = kept
    room.sim.mesh(0)


def drive(room: RobotRoom, vx=0.0, vy=0.0, wz=0.0, seconds=1.0) -> None:
    for _ in range(round(seconds / DT_S)):
        room.drive(vx, vy, wz, DT_S)


def in_robot_frame(before, after) -> tuple[float, float]:
    """(forward, left) in metres of a move, seen from where it began."""
    dx, dy = after.x_m - before.x_m, after.y_m - before.y_m
    cos, sin = math.cos(before.yaw_rad), math.sin(before.yaw_rad)
    return cos * dx + sin * dy, -sin * dx + cos * dy


@pytest.mark.parametrize("turned_first", [0.0, 1.1, -2.5])
def test_x_is_forward_and_y_is_left_in_metres(room, turned_first):
    clear(room)
    drive(room, wz=turned_first)
    before = room.pose
    drive(room, vx=0.5)
    assert in_robot_frame(before, room.pose) == pytest.approx((0.5, 0.0), abs=1e-6)
    assert room.velocity == pytest.approx((0.5, 0.0, 0.0), abs=1e-6)
    before = room.pose
    drive(room, vy=0.4)
    assert in_robot_frame(before, room.pose) == pytest.approx((0.0, 0.4), abs=1e-6)
    assert room.velocity == pytest.approx((0.0, 0.4, 0.0), abs=1e-6)
    assert room.elapsed_s == pytest.approx(3.0)


def test_a_positive_turn_is_counter_clockwise_and_stays_within_half_a_turn(room):
    before = room.pose.yaw_rad
    drive(room, wz=0.7)
    assert math.remainder(room.pose.yaw_rad - before - 0.7, math.tau) == pytest.approx(0, abs=1e-6)
    for _ in range(12):
        drive(room, wz=0.7)
        assert -math.pi <= room.pose.yaw_rad <= math.pi
    assert room.velocity == (0.0, 0.0, 0.7)


def target_in_robot_frame(room: RobotRoom) -> tuple[float, float, float]:
    """(forward, left, up) in metres from the onboard camera to the middle of the target."""
    x, y, z = room.task.target
    scale = room.meters_per_block
    pose = room.pose
    dx, dy = (x + 0.5) * scale - pose.x_m, -(z + 0.5) * scale - pose.y_m
    cos, sin = math.cos(pose.yaw_rad), math.sin(pose.yaw_rad)
    up = (y + 0.5 - room.sim.body[0, physics.Y] - EYE.eye_height) * scale
    return cos * dx + sin * dy, -sin * dx + cos * dy, up


def face_target(room: RobotRoom, left_rad: float) -> None:
    """Turns the robot until the target lies `left_rad` to the left of ahead."""
    forward, left, _ = target_in_robot_frame(room)
    turn = math.remainder(math.atan2(left, forward) - left_rad, math.tau)
    drive(room, wz=turn)


@pytest.mark.parametrize("left_rad", [0.4, 0.0, -0.4])
def test_the_onboard_camera_shows_the_target_where_the_robot_s_frame_has_it(room, left_rad):
    clear(room, 20.0)
    face_target(room, left_rad)
    forward, left, up = target_in_robot_frame(room)
    assert math.hypot(forward, left) == pytest.approx(room.distance_m)
    lens = room.camera_info(ONBOARD)
    column, row = lens.cx - lens.fx * left / forward, lens.cy - lens.fy * up / forward
    x0, y0, x1, y1 = room.target_box(ONBOARD)
    assert x0 < column < x1
    assert y0 < row < y1
    assert (column < 320) == (left_rad > 0) or left_rad == 0


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_operator_s_camera_shows_the_target_where_its_pose_and_intrinsics_have_it(shared, seed):
    shared.load(seed)
    pose, lens = shared.task.goal_camera, shared.camera_info(THIRD_PERSON)
    dx, dy, dz = (t + 0.5 - c for t, c in zip(shared.task.target, (pose.x, pose.y, pose.z), strict=True))
    sin, cos = math.sin(pose.yaw), math.cos(pose.yaw)
    ahead, right = -sin * dx + cos * dz, -cos * dx - sin * dz
    depth = math.cos(pose.pitch) * ahead - math.sin(pose.pitch) * dy
    down = -math.sin(pose.pitch) * ahead - math.cos(pose.pitch) * dy
    column, row = lens.cx + lens.fx * right / depth, lens.cy + lens.fy * down / depth
    x0, y0, x1, y1 = shared.target_box(THIRD_PERSON)
    assert x0 - 2 <= column <= x1 + 2
    assert y0 - 2 <= row <= y1 + 2


def test_pixels_are_square_and_the_axis_is_in_the_middle(room):
    for camera in room.cameras:
        lens = room.camera_info(camera)
        assert (lens.width, lens.height, lens.cx, lens.cy) == (640, 480, 320, 240)
        assert lens.fx == pytest.approx(lens.fy)
    assert room.camera_info(ONBOARD).fy == pytest.approx(240 / math.tan(math.radians(35)))


def test_the_box_bounds_the_mask_and_is_zeros_out_of_sight(room):
    clear(room, 20.0)
    face_target(room, 0.2)
    rows, columns = np.nonzero(room.target_mask(ONBOARD))
    assert room.target_box(ONBOARD) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    face_target(room, math.pi)
    assert room.target_box(ONBOARD) == (0, 0, 0, 0)
    assert not room.target_mask(ONBOARD).any()


@pytest.mark.parametrize("direction", ["forward", "left", "back"])
def test_walls_stop_the_robot_and_the_measured_speed_says_so(room, direction):
    vx, vy = {"forward": (1.5, 0.0), "left": (0.0, 1.5), "back": (-1.5, 0.0)}[direction]
    drive(room, vx, vy, seconds=12)
    body, grid, half = room.sim.body[0], room.sim.grid[0], ROBOT_WIDTH / 2 - 1e-6
    feet = int(body[physics.Y])
    x0, x1 = int(body[physics.X] - half), int(body[physics.X] + half)
    z0, z1 = int(body[physics.Z] - half), int(body[physics.Z] + half)
    assert not grid[x0 : x1 + 1, z0 : z1 + 1, feet].any()
    before = room.pose
    drive(room, vx, vy, seconds=2)
    slid = math.hypot(room.pose.x_m - before.x_m, room.pose.y_m - before.y_m)
    assert slid < 1e-6
    assert room.velocity == pytest.approx((0, 0, 0), abs=1e-6)


def test_driving_to_the_target_is_booked_as_the_first_arrival(room):
    clear(room, 20.0)
    # No distractor may come first.
    target = next(c for c in room.sim.candidates[0] if tuple(c[:3]) == room.task.target)
    room.sim.candidates[0, 0] = target
    room.sim.candidate_count[0] = 1
    face_target(room, 0.0)
    assert (room.goal_reached, room.first_arrival, room.arrival()) == (False, None, None)
    far = room.distance_m
    drive(room, vx=0.5, seconds=(far - 0.52) / 0.5)
    assert not room.goal_reached
    drive(room, vx=0.5, seconds=0.4)
    assert (room.goal_reached, room.first_arrival, room.arrival()) == (True, "target", "target")
    face_target(room, math.pi)
    assert (room.goal_reached, room.first_arrival, room.arrival()) == (True, "target", None)


def test_another_object_first_is_kept_as_the_first_arrival(room):
    clear(room, 20.0)
    body = room.sim.body[0]
    x, z = int(body[physics.X]), int(body[physics.Z]) + 1
    body[physics.YAW] = 0.0  # along +z
    room.sim.grid[0, x, z, 4] = FIRST_CANDIDATE
    room.sim.candidates[0, room.sim.candidate_count[0]] = x, 4, z, FIRST_CANDIDATE
    room.sim.candidate_count[0] += 1
    room.drive(0.0, 0.0, 0.0, DT_S)
    assert (room.goal_reached, room.first_arrival) == (False, "distractor")


def put_before_corner_camera(room: RobotRoom) -> None:
    """Eight blocks from the corner camera, in an empty house."""
    clear(room, 40.0)
    view = room._lens(CORNER)
    room.sim.body[0, physics.X] = view.x - 8 * math.sin(view.yaw)
    room.sim.body[0, physics.Z] = view.z + 8 * math.cos(view.yaw)


def changed_by_robot(room: RobotRoom, camera: str) -> np.ndarray:
    """Where the picture with the robot differs from the bare world's, bool (480, 640)."""
    painted = room.render(camera)
    return (painted != room.sim.rgb[0]).any(-1)


def test_the_robot_is_painted_where_it_stands_in_the_pictures_of_other_cameras(room):
    put_before_corner_camera(room)
    found = changed_by_robot(room, CORNER)
    assert found.sum() > 500
    view = room._lens(CORNER)
    body = room.sim.body[0]
    packed = np.zeros(13, np.float32)
    pack(packed, view.x, view.y, view.z, view.yaw, view.pitch, *half_tangents(view.vertical_fov_deg, 4 / 3), 480)
    u, v, _ = project(packed, body[physics.X], body[physics.Y] + 0.25, body[physics.Z])
    rows, columns = np.nonzero(found)
    assert columns.min() < 640 * u < columns.max()
    assert rows.min() < 480 * v < rows.max()


def test_the_robot_does_not_see_itself(room):
    assert not changed_by_robot(room, ONBOARD).any()


def test_a_wall_before_the_robot_hides_it(room):
    put_before_corner_camera(room)
    seen = changed_by_robot(room, CORNER).sum()
    body, view = room.sim.body[0], room._lens(CORNER)
    # A tall screen two blocks before the robot, across the line to the camera.
    x = int(body[physics.X] + 2 * np.sign(view.x - body[physics.X]))
    z = int(body[physics.Z] + 2 * np.sign(view.z - body[physics.Z]))
    room.sim.grid[0, x - 4 : x + 5, z, 4:12] = 1
    room.sim.grid[0, x, z - 4 : z + 5, 4:12] = 1
    room.sim.mesh(0)
    assert changed_by_robot(room, CORNER).sum() < 0.1 * seen


def test_the_front_of_the_robot_is_bright_and_turns_with_it(room):
    put_before_corner_camera(room)
    orange = []
    for _ in range(8):
        picture = room.render(CORNER).astype(int)
        found = changed_by_robot(room, CORNER)
        orange.append(int((found & (picture[..., 0] > 200) & (picture[..., 2] < 60)).sum()))
        drive(room, wz=math.pi / 4)
    assert max(orange) > 20
    assert min(orange) == 0


def test_equal_seeds_give_equal_trials_and_pictures(room):
    first = [room.render(camera) for camera in room.cameras]
    task = room.task
    drive(room, 0.3, 0.1, 0.5)
    assert (room.render(ONBOARD) != first[0]).any()
    room.load(2)
    assert room.task != task
    room.load(1)
    assert room.task == task
    other = RobotRoom(seed=1)
    for camera, picture in zip(room.cameras, first, strict=True):
        assert (room.render(camera) == picture).all()
        assert (other.render(camera) == picture).all()
    other.sim.close()


@pytest.mark.parametrize("seed", range(4, 10))
def test_every_trial_shows_its_target_to_the_operator(shared, seed):
    shared.load(seed)
    assert shared.target_mask(shared.source_camera).sum() >= 60
    assert shared.task.world.place == "rooms"
    assert 3_000_000 <= shared.task.world.seed < 3_100_000


def test_an_unknown_camera_is_answered_with_the_known_ones(room):
    with pytest.raises(ValueError, match="unknown camera 'rear': expected one of onboard, third_person, corner"):
        room.render("rear")
