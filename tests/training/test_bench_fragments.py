"""What the bench of fragments says follows from the sizes."""

import json

import pytest
from xview_training.bench.fragments import FragmentBenchSettings
from xview_training.cli import commands


def test_a_state_at_each_step_takes_far_more_than_a_fragment(tmp_path, capsys):
    out = tmp_path / "fragments.json"
    commands()["bench"]["fragments"](policies=("small", "rocket2-small"), steps=6, folder=tmp_path, json=out)
    told = json.loads(out.read_text())
    small, rocket2 = (told["policies"][name] for name in ("small", "rocket2-small"))
    assert small["bytes_with_a_state_each_step"] == 6 * small["state_mib"] * 2**20 / 2
    assert rocket2["image_size"] == 224
    for costs in (small, rocket2):
        assert 0 < costs["fragment_bytes"] < costs["pictures_bytes_raw"] + costs["state_mib"] * 2**20
    assert told["index"]["add_per_s"] > 0
    assert "rocket2-small" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [out], "what was measured is removed"


def test_nothing_to_measure_is_refused():
    with pytest.raises(ValueError, match="expected 1 or more"):
        FragmentBenchSettings(steps=0)
