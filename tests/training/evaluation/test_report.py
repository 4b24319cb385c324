"""The page is one sound file that a browser shows, films included; the films show the episode that was played."""

import io
from html.parser import HTMLParser

import av
import numpy as np
import pytest
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Selection, Table
from xview_training.evaluation.filming import STILL_PICTURES, Camera
from xview_training.evaluation.players import ExpertPlayer
from xview_training.evaluation.report.page import Evaluation, Film, write
from xview_training.runs.manifest import this_start
from xview_training.runs.video import webm
from xview_training.tasks.suites import suite_named

VOID = {"meta", "br", "path", "use", "rect"}
MAY_STAY_OPEN = {"tr", "th", "td", "dt", "dd", "p"}


class Sound(HTMLParser):
    """Checks that what is opened is closed, and collects what is linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag not in VOID | MAY_STAY_OPEN:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]

    def handle_endtag(self, tag):
        if tag not in VOID | MAY_STAY_OPEN:
            assert self.open.pop() == tag


@pytest.fixture
def evaluation(episode) -> Evaluation:
    episodes = [
        episode(event=event, difficulty=difficulty, visible=visible, success=(k + visible) % 2 == 0, number=k)
        for event in ("approach", "melee")
        for k, difficulty in enumerate(("near", "easy", "hard"))
        for visible in (True, False)
    ]
    film = webm(np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), np.uint8), 5.0)
    return Evaluation("a <b> & c", "heldout", 3, False, episodes, this_start(), (Film(episodes[0], film),))


def test_the_page_is_sound_and_needs_nothing_else(evaluation, tmp_path):
    write(evaluation, tmp_path / "pages" / "page.html")
    text = (tmp_path / "pages" / "page.html").read_text()
    page = Sound()
    page.feed(text)
    assert page.open == []
    assert {"svg", "table", "video"} <= page.seen
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert "a &lt;b&gt; &amp; c on heldout" in text
    assert all(ending.value in text for ending in Ending)


def test_a_browser_shows_the_page_and_plays_its_films(evaluation, tmp_path, browser):
    write(evaluation, tmp_path / "page.html")
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"file://{tmp_path / 'page.html'}")
    assert page.locator("h1").inner_text() == "a <b> & c on heldout"
    page.wait_for_function("document.querySelector('video').readyState >= 2", timeout=60_000)
    size = page.evaluate("(v => [v.videoWidth, v.videoHeight])(document.querySelector('video'))")
    page.close()
    assert size == [64, 48]
    assert not faults


def test_a_film_has_a_picture_a_decision_of_the_agent_s_view_and_the_goal():
    player, camera = ExpertPlayer(), Camera()
    selection = Selection(suite_named("twin"), 1, 2)
    tasks = [selection.request(int(index)) for index in selection.indices()]
    with Table(player, 1, 24, threads=1) as table:
        (played,) = table.play(tasks, camera)
    with av.open(io.BytesIO(camera.films(player.actions.rate_hz)[0])) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    decisions = -(-played.ticks // player.actions.ticks_per_action)
    assert len(pictures) == decisions + STILL_PICTURES
    assert pictures[0].shape[1] == 640
    assert (pictures[0] != pictures[decisions // 2]).mean() > 0.3  # the agent has moved
    assert played.success
