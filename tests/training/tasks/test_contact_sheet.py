"""A sheet shows the tasks that its records name."""

import cv2
import numpy as np
from xview_training.tasks import contact_sheet
from xview_training.tasks.suites import suite_named
from xview_training.tasks.task import Task


def test_a_sheet_and_its_records_are_written(tmp_path):
    sheet, records = contact_sheet.write(suite_named("robot"), tmp_path / "sheets", 3)
    assert (sheet.name, records.name) == ("robot.png", "robot.jsonl")
    tasks = [Task.from_json(line) for line in records.read_text().splitlines()]
    assert [task.task_id for task in tasks] == ["robot-0", "robot-1", "robot-2"]
    picture = cv2.imread(str(sheet))
    side, caption = contact_sheet.SIDE, contact_sheet.CAPTION
    assert picture.shape == (2 * (side + caption), 2 * 3 * side, 3)
    panels = [
        picture[row : row + side, column : column + 3 * side] for row in (0, side + caption) for column in (0, 3 * side)
    ]
    assert all(panel.std() > 10 for panel in panels[:3])
    assert panels[3].std() == 0  # the place of a fourth task stays empty


def test_the_goal_picture_has_the_target_outlined_and_the_map_shows_where_it_is(new_sim):
    sim = new_sim(side=contact_sheet.SIDE)
    maker = contact_sheet.Synthesiser(sim)
    task = maker.take(0, suite_named("twin").request(5))
    panel = contact_sheet.panel(maker, sim, 0, task)
    side = contact_sheet.SIDE
    goal, chart = panel[:side, side : 2 * side], panel[:side, 2 * side :]
    assert (goal == contact_sheet.TARGET_RGB).all(-1).sum() > 20
    rows, columns = np.nonzero((chart == contact_sheet.TARGET_RGB).all(-1))
    scale = side / 96
    assert abs(columns.mean() - (task.target[0] + 0.5) * scale) < 2
    assert abs(rows.mean() - (task.target[2] + 0.5) * scale) < 2
