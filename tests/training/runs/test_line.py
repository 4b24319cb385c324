"""A run is followed on a terminal and in a file."""

from xview_training.runs import line as lines
from xview_training.runs.line import Line


def test_where_there_is_no_terminal_a_line_is_printed_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(lines, "PLAIN_LINE_EVERY_S", 0.0)
    with Line("preparing") as line:
        line.show("10 %")
        line.above("[red] is no colour")
    assert capsys.readouterr().out.splitlines() == ["10 %", "[red] is no colour"]


def test_it_is_not_printed_every_time(capsys):
    with Line("preparing") as line:
        for share in range(100):
            line.show(f"{share} %")
    assert capsys.readouterr().out == ""
