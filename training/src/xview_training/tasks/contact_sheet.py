"""Contact sheets of a suite: first view, goal view with its mask, and a map with start, camera and target."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.sim.textures import TEXELS
from xview_training.sim.worlds import PLACES
from xview_training.tasks.sources import TaskSource
from xview_training.tasks.synthesis import Synthesiser, goal_mask
from xview_training.tasks.task import Task

SIDE = 192  # pixels of each picture
CAPTION = 34
START_RGB, CAMERA_RGB, TARGET_RGB = (30, 110, 255), (255, 170, 0), (255, 30, 30)


def map_from_above(sim: VoxelSim, slot: int, task: Task) -> np.ndarray:
    """North-up map, uint8 (SIDE, SIDE, 3): ground colours, brighter where higher; start, goal camera, target."""
    size_x, size_z, _ = PLACES[task.world.place].shape
    grid, floor = sim.grid[slot], sim.floor[slot, :size_x, :size_z].astype(int)
    xs, zs = np.indices(floor.shape)
    top = grid[xs, zs, np.clip(floor - 1, 0, grid.shape[2] - 1)].astype(int)
    texel = sim.atlas[task.body.textures][top * 6 + 3, TEXELS - 1]
    rgb = np.stack([texel & 255, texel >> 8 & 255, texel >> 16 & 255], -1).astype(float)
    rgb *= (0.75 + 0.25 * (floor - floor.min()) / max(1, np.ptp(floor)))[..., None]
    picture = cv2.resize(rgb.clip(0, 255).astype(np.uint8).transpose(1, 0, 2), (SIDE, SIDE), interpolation=0)
    scale = SIDE / floor.shape[0]
    start, camera = task.start, task.goal_camera
    for x, z, yaw, color in ((start.x, start.z, start.yaw, START_RGB), (camera.x, camera.z, camera.yaw, CAMERA_RGB)):
        tip = (x - 6 * np.sin(yaw), z + 6 * np.cos(yaw))
        a, b = ((int(px * scale), int(pz * scale)) for px, pz in ((x, z), tip))
        cv2.arrowedLine(picture, a, b, color, 2, tipLength=0.4)
        cv2.circle(picture, a, 4, color, -1)
    cv2.circle(picture, (int((task.target[0] + 0.5) * scale), int((task.target[2] + 0.5) * scale)), 5, TARGET_RGB, 2)
    return picture


def outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of a picture uint8 (S, S, 3) with an outline around what a mask uint8 (S, S) of 0 and 1 marks."""
    drawn = picture.copy()
    drawn[cv2.dilate(mask, np.ones((3, 3), np.uint8)) > mask] = TARGET_RGB
    return drawn


def panel(maker: Synthesiser, sim: VoxelSim, slot: int, task: Task) -> np.ndarray:
    """Pictures and caption of a task that `maker` has entered: uint8 (SIDE + CAPTION, 3 * SIDE, 3) RGB."""
    sim.draw(np.array([slot]))
    mask = goal_mask(maker.goal.ids, sim.grid.shape[1:], task)
    goal = outlined(maker.goal.rgb, mask)
    strip = np.concatenate([sim.rgb[slot], goal, map_from_above(sim, slot, task)], 1)
    seen = "visible" if task.visible_at_start else "hidden"
    lines = (
        f"{task.task_id}  {task.event.value}  {task.difficulty}  {seen} at start",
        f"{task.world.place} {task.world.seed}  {task.same_kind} of the same kind  goal {int(mask.sum())} px",
    )
    caption = np.full((CAPTION, strip.shape[1], 3), 24, np.uint8)
    for row, line in enumerate(lines):
        cv2.putText(caption, line, (6, 13 + 15 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate([strip, caption], 0)


def write(
    source: TaskSource, folder: Path, count: int, columns: int = 2, texture_pack: Path | None = None
) -> tuple[Path, Path]:
    """Writes the sheet (PNG) and the records (JSON lines) of the first `count` tasks of a suite or file."""
    folder.mkdir(parents=True, exist_ok=True)
    sim = VoxelSim(SimConfig(1, SIDE, SIDE, threads=1, texture_pack=texture_pack))
    maker = Synthesiser(sim)
    tasks, panels = [], []
    for index in range(count):
        tasks.append(maker.take(0, source.request(index)))
        panels.append(panel(maker, sim, 0, tasks[-1]))
    while len(panels) % columns:
        panels.append(np.full_like(panels[0], 24))
    rows = [np.concatenate(panels[k : k + columns], 1) for k in range(0, len(panels), columns)]
    sheet, records = folder / f"{source.name}.png", folder / f"{source.name}.jsonl"
    cv2.imwrite(str(sheet), np.concatenate(rows, 0)[..., ::-1])
    records.write_text("".join(task.to_json() + "\n" for task in tasks))
    sim.close()
    return sheet, records
