"""What this package adds to the `xview` command. Imported for every `xview`, so it imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

import tyro

from xview_deploy.cli import Table


def commands() -> Table:
    """Names and functions, for the entry-point group `xview.commands`."""
    return {"replay": replay}


def replay(
    video: tyro.conf.Positional[Path],
    goal: Path,
    mask: Path,
    out: Path,
    event: str = "approach",
    bundle: Path | None = None,
    calibration: Path | None = None,
    goal_calibration: Path | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> None:
    """Show a video to a policy, and write what it believed and chose as an annotated video.

    Args:
        video: as a robot's camera would have taken it.
        goal: picture of another camera, JPEG or PNG.
        mask: the target in that picture: PNG of the same size, one channel, not black on the target.
        out: video to write: .mp4, .mov, .mkv, .avi or .webm.
        event: what to do at the target: approach, break, use or hunt.
        bundle: another policy than the shipped "small": "five", or a path.
        calibration: YAML file of the video's camera, as ROS's camera_calibration writes it; without one the middle of
            the picture is cut to the shape that the policy was trained with.
        goal_calibration: the same of the goal's camera, to straighten a bent goal picture and its mask.
        temperature: of the sampling of actions; 0 takes the most likely one.
        seed: of the sampling.
    """
    from xview_deploy.cameras.lens import load_calibration
    from xview_deploy.replay.run import Choosing, load_goal
    from xview_deploy.replay.run import replay as show
    from xview_deploy.runtime.onnx_policy import OnnxPolicy
    from xview_deploy.shipped import bundle_path

    lens = None if goal_calibration is None else load_calibration(goal_calibration)
    target = load_goal(goal, mask, event, lens)
    policy = OnnxPolicy.load(bundle_path(bundle))
    replayed = show(video, target, policy, out, calibration, Choosing(temperature, seed))
    print("\n".join([*replayed.summary(policy), str(out)]))
