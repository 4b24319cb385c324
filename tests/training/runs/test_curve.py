"""Learning curves join resumed runs, average seeds, and draw what a run has, of imitation and PPO alike."""

import json
from pathlib import Path

import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.runs.curve import _named_groups, draw, load


def logged(folder: Path, rows: list[dict], seed: int = 0, name: str = "cpu") -> Path:
    folder.mkdir()
    (folder / "progress.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    starts = {"kind": "imitation", "starts": [], "experiment": {"name": name, "seed": seed, "lr": 1}}
    (folder / "run.json").write_text(json.dumps(starts))
    return folder


def imitation(offset: float = 0.0) -> list[dict]:
    return [{"step": 100 * k, "seconds": 2.0 * k, "yaw": 2 - 0.1 * k + offset, "heatmap": 1.0} for k in range(1, 9)]


def ppo() -> list[dict]:
    return [{"step": 100 * k, "seconds": 2.0 * k, "kl": 0.01 * k, "rollout_success": 0.1 * k} for k in range(1, 9)]


def test_a_resumed_run_s_repeated_steps_count_once_and_a_line_cut_short_not_at_all(tmp_path):
    folder = logged(tmp_path / "run", [*imitation(), {"step": 300, "seconds": 6.0, "yaw": 9.0}])
    with (folder / "progress.jsonl").open("a") as log:
        log.write('{"step": 90')
    x, y = load(folder).series("yaw", ("step", 1.0))
    assert x.tolist() == [100 * k for k in range(1, 9)]
    assert y[2] == 9.0


def test_runs_that_differ_in_the_seed_alone_are_one_curve(tmp_path):
    seeds = [load(logged(tmp_path / f"s{seed}", imitation(seed / 10), seed)) for seed in range(3)]
    other = load(logged(tmp_path / "other", imitation(), 0, "wide"))
    assert {name: len(runs) for name, runs in _named_groups([*seeds, other]).items()} == {"cpu (3 seeds)": 3, "wide": 1}


@pytest.mark.parametrize("axis", ["frames", "minutes"])
def test_imitation_and_ppo_are_drawn_together(tmp_path, axis):
    folders = [logged(tmp_path / f"s{seed}", imitation(seed / 10), seed) for seed in range(2)]
    folders.append(logged(tmp_path / "rl", ppo(), 0, "rl"))
    score = {"suite": "heldout", "episodes": 10, "seed": 0, "successes": 4, "first_right": 3, "step": 200}
    (folders[0] / "evaluations.jsonl").write_text(json.dumps(score) + "\n")
    out = tmp_path / "pictures" / "curve.svg"
    assert run(installed_commands(), ["train", "curve", *map(str, folders), "--out", str(out), "--axis", axis]) == 0
    assert out.read_text().lstrip().startswith("<?xml")
    draw(folders[:1], tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5_000


def test_a_folder_without_a_log_is_named(tmp_path, capsys):
    assert run(installed_commands(), ["train", "curve", str(tmp_path), "--out", str(tmp_path / "a.png")]) == 2
    assert f"{tmp_path}/progress.jsonl: expected the log of a training run" in capsys.readouterr().err
