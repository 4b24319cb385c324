from xview_deploy.safety.goal_ledger import REMEMBERED, GoalLedger


def ledger(*ids: str) -> GoalLedger:
    goals = GoalLedger()
    for id in ids:
        goals.on_operator(id, "")
    return goals


def test_the_first_goal_replaces_none_and_another_does():
    goals = GoalLedger()
    assert not goals.on_operator("a", "")
    assert not goals.on_operator("a", "")
    assert goals.on_operator("b", "")
    assert goals.shown == "b"


def test_commands_for_a_goal_that_the_operator_replaced_move_nothing():
    goals = ledger("a", "b")
    assert goals.refusal("b") == ""
    assert goals.refusal("a") == "command pursues goal 'a', which 'b' replaced"


def test_a_goal_that_is_sent_again_on_purpose_counts_again():
    assert ledger("a", "b", "a").refusal("a") == ""


def test_a_policy_may_turn_to_a_goal_by_itself_and_back():
    goals = ledger("operator's")
    assert goals.on_policy("action's", "")
    assert goals.refusal("operator's") == ""
    assert goals.on_policy("operator's", "")
    assert goals.on_operator("next", "")
    assert "which 'next' replaced" in goals.refusal("operator's")


def test_a_fault_lasts_as_long_as_its_goal():
    goals = GoalLedger()
    goals.on_operator("a", "too old")
    assert goals.fault == "too old"
    goals.on_operator("b", "")
    assert goals.fault == ""


def test_memory_and_names_are_bounded():
    goals = ledger(*(f"goal-{number}" for number in range(3 * REMEMBERED)), "x" * 10_000)
    assert len(goals._replaced) == REMEMBERED
    assert len(goals.shown) == 64
