"""The first version's tasks are what they were: what was measured on them stays comparable."""

import hashlib
import json

import pytest
from xview_training.tasks.suites import suite_named
from xview_training.tasks.synthesis import Synthesiser

# sha256 over the JSON lines of tasks 0 to 19 as the first version wrote them; they had no field "creature".
RECORDS = {
    "heldout": "36df40e5a713e5fa85f51b0e7cc7fbb21350c17050bb3c95d06aec879752f51c",
    "twin": "ee1950ce2fcf40a652dd4f49a4421be2581f1c6ce4f121975f11b971b919d6ba",
    "robot": "aad63ee94ad9006328f3a61eee99e93d8bb97c9687d3e6124c3fce75c9043a6e",
}


def as_it_was(line: str) -> str:
    record = json.loads(line)
    assert record.pop("creature") == -1
    return json.dumps(record, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("suite", RECORDS)
def test_tasks_of_the_first_version_never_change(new_sim, suite):
    maker = Synthesiser(new_sim(side=8))
    lines = [as_it_was(maker.make(0, suite_named(suite), index).to_json()) for index in range(20)]
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == RECORDS[suite]
