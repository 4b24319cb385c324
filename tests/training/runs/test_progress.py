"""A run that goes on from a checkpoint has no line of what came after it."""

import json

from xview_training.runs import progress


def test_a_log_is_cut_at_the_step_that_a_run_goes_on_from(tmp_path):
    log = tmp_path / progress.FILE
    progress.cut(tmp_path, 0)
    assert not log.exists()
    log.write_text("".join(json.dumps({"step": step}) + "\n" for step in (10, 20, 30)) + '{"step": 4')
    progress.cut(tmp_path, 20)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [10, 20]
