import subprocess
import sys

import pytest
from xview_deploy.cli import installed_commands, merge, overview, run
from xview_deploy.spec import ContractError


def greet(name: str = "world", loud: bool = False) -> None:
    """Say hello.

    Args:
        name: whom to greet.
    """
    print(f"hello {name.upper() if loud else name}")


def fail() -> int:
    """Ends with a status."""
    return 3


def refuse() -> None:
    """Breaks the contract."""
    raise ContractError("expected this, got that")


TABLE = {"greet": greet, "fail": fail, "train": {"refuse": refuse, "greet": greet}}


def test_a_command_gets_its_typed_arguments(capsys):
    assert run(TABLE, ["greet", "--name", "robot", "--loud"]) == 0
    assert capsys.readouterr().out == "hello ROBOT\n"


def test_a_group_holds_commands_of_its_own(capsys):
    assert run(TABLE, ["train", "greet"]) == 0
    assert capsys.readouterr().out == "hello world\n"


def test_the_returned_number_is_the_exit_status():
    assert run(TABLE, ["fail"]) == 3


def test_a_broken_contract_is_one_line_and_no_traceback(capsys):
    assert run(TABLE, ["train", "refuse"]) == 2
    assert capsys.readouterr().err == "xview train refuse: expected this, got that\n"


@pytest.mark.parametrize(
    ("arguments", "hint"), [(["gret"], "`xview greet`"), (["train", "refus"], "`xview train refuse`")]
)
def test_an_unknown_name_is_answered_with_the_nearest(arguments, hint, capsys):
    assert run(TABLE, arguments) == 2
    assert f"did you mean {hint}?" in capsys.readouterr().err


def test_help_lists_every_command_with_a_line(capsys):
    assert run(TABLE, ["--help"]) == 0
    out = capsys.readouterr().out
    assert out == overview(TABLE, ("xview",)) + "\n"
    assert "greet  Say hello." in out
    assert "train  greet, refuse" in out


def test_without_arguments_the_overview_comes_with_an_error_status():
    assert run(TABLE, []) == 2


def test_the_installed_commands_have_help_and_import_nothing_heavy():
    assert all(command.__doc__ or isinstance(command, dict) for command in installed_commands().values())
    script = (
        "import sys; from xview_deploy.cli import installed_commands; installed_commands();"
        "print(sorted({'torch', 'numba', 'rclpy', 'cv2', 'onnxruntime', 'ray'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_two_distributions_fill_one_group():
    merged = merge({"bench": {"sim": greet}}, {"bench": {"loop": fail}, "demo": fail}, "elsewhere")
    assert merged == {"bench": {"sim": greet, "loop": fail}, "demo": fail}


@pytest.mark.parametrize("theirs", [{"bench": {"sim": fail}}, {"bench": fail}])
def test_a_command_that_two_distributions_claim_is_refused(theirs):
    with pytest.raises(ContractError, match=r"xview bench.*expected one distribution.*elsewhere"):
        merge({"bench": {"sim": greet}}, theirs, "elsewhere")
