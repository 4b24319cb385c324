"""The page shows what it says it shows, and its filters work in a browser."""

import re

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks import gallery
from xview_training.tasks.suites import SUITES, suite_named
from xview_training.tasks.synthesis import Synthesiser

COUNT = 6


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("gallery") / "tasks.html"
    arguments = ("--out", str(path), "--count", str(COUNT), "--suites", "train-v1", "twin")
    assert run(installed_commands(), ["tasks", "gallery", *arguments]) == 0
    return path


def test_it_needs_nothing_but_itself(page):
    text = page.read_text()
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|https?://|@import", text)
    assert text.count("<article") == 2 * COUNT
    assert text.count("data:image/webp;base64,") == 4 * COUNT
    assert gallery.MARK not in text


def test_a_sample_takes_turns_among_events_and_difficulties():
    sim = VoxelSim(SimConfig(1, 8, 8, threads=1))
    tasks = gallery.sample(suite_named("heldout-v1"), Synthesiser(sim), 12)
    sim.close()
    assert len({task.task_id for task in tasks}) == len(tasks) == 12
    groups = [(task.event, task.difficulty, task.visible_at_start) for task in tasks]
    assert len(set(groups)) >= 11
    assert [task.event.code for task in tasks] == sorted(task.event.code for task in tasks)


def test_the_goal_view_is_shown_in_its_camera_s_own_shape(new_sim):
    maker = Synthesiser(new_sim(side=64))
    task = maker.take(0, suite_named("twin").request(5))
    maker.sim.draw(np.array([0]))
    first, goal = gallery._figures(task, maker)
    assert "first view" in first
    assert "goal view" in goal
    assert ('class="wide"' in goal) == (task.goal_camera.aspect * 3 >= 4 - 1e-9)


def test_filters_hide_the_others_and_sections_without_a_card(page, browser):
    view = browser.new_page()
    errors: list[str] = []
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.goto(page.as_uri())
    assert view.inner_text("#shown") == f"{2 * COUNT} of {2 * COUNT}"
    view.select_option("select[name=suite]", "twin")
    assert view.locator("article:visible").count() == COUNT
    assert view.locator("section:visible").count() == 1
    view.select_option("select[name=event]", "archery")
    assert view.locator("article:visible").count() == 0
    assert view.locator("section:visible").count() == 0
    view.select_option("select[name=suite]", "")
    shown = view.locator("article:visible")
    assert shown.count() > 0
    assert all("archery" in text for text in shown.all_inner_texts())
    assert errors == []
    view.close()


def test_without_a_wish_every_suite_is_shown(tmp_path, monkeypatch):
    asked = []

    def write(sources, path, count, resource_pack):
        asked.extend(sources)
        path.write_text("")

    monkeypatch.setattr(gallery, "write", write)  # drawing them all takes long, and is tested above
    assert run(installed_commands(), ["tasks", "gallery", "--out", str(tmp_path / "all.html")]) == 0
    assert asked == list(SUITES.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "page.png"), "expected an HTML file"),
        (("--out", "page.html", "--count", "0"), "count: expected at least 1"),
        (("--out", "page.html", "--suites", "twim"), "did you mean 'twin'"),
    ],
)
def test_wrong_arguments_are_one_clear_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert run(installed_commands(), ["tasks", "gallery", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
