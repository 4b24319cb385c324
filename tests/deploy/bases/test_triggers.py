from xview_deploy.bases.triggers import Presses, TriggerService


def calls(pattern: str, period_s: float = 0.15, debounce_s: float = 0.3) -> str:
    """What a key that is down ('x') or up ('.') at each decision calls: 'B' where it does."""
    presses = Presses({"attack": TriggerService("beeper", debounce_s)})
    answers = (presses.new(["attack"] if down == "x" else [], i * period_s) for i, down in enumerate(pattern))
    return "".join("B" if called == ["beeper"] else "." for called in answers)


def test_a_held_key_calls_once():
    assert calls("..xxxx..") == "..B....."


def test_a_key_that_is_let_go_of_for_a_moment_was_held():
    assert calls("x.x.xx") == "B....."


def test_a_key_that_is_let_go_of_for_long_is_pressed_anew():
    assert calls("x...x") == "B...B"
    assert calls("xxxx", period_s=5.0) == "B..."


def test_the_first_press_counts_at_any_hour():
    presses = Presses({"attack": TriggerService("beeper")})
    for hour in range(100):
        assert presses.new(["attack"], hour * 3600.1) == ["beeper"]
        presses.release()


def test_keys_count_each_for_itself_and_unknown_ones_not_at_all():
    presses = Presses({"attack": TriggerService("beeper"), "use": TriggerService("gripper")})
    assert presses.new(["use", "jump"], 0.0) == ["gripper"]
    assert presses.new(["use", "attack"], 0.1) == ["beeper"]


def test_after_a_stop_every_press_is_new():
    presses = Presses({"attack": TriggerService("beeper")})
    assert presses.new(["attack"], 0.0) == ["beeper"]
    presses.release()
    assert presses.new(["attack"], 0.1) == ["beeper"]
