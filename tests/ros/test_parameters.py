"""Parameters of a real node: descriptions, ranges, changes at run time; senseless ones refused in words."""

import dataclasses
from pathlib import Path

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from xview_agent.parameters import Described, changed_settings, declared, declared_settings
from xview_agent.policy_parameters import MOTION, PURSUIT, STOP, Thresholds
from xview_deploy.pursuit.motion import MotionSettings
from xview_deploy.pursuit.outcome import StopSettings
from xview_deploy.pursuit.pursuit import PursuitSettings
from xview_deploy.spec import ContractError


@dataclasses.dataclass(frozen=True)
class Settings:
    share: float = 0.5
    count: int = 3


TABLE = {"share": Described("of the whole", 0.0, 1.0), "count": Described("of things", 1, 10)}


@pytest.fixture
def make_node(probe):
    nodes = []

    def make(**values) -> Node:
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(Node("settings", context=probe.context, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_settings_are_declared_with_descriptions_and_ranges(make_node):
    node = make_node(share=0.25)
    assert declared_settings(node, Settings(), TABLE) == Settings(0.25, 3)
    descriptor = node.describe_parameter("share")
    assert (descriptor.description, descriptor.read_only) == ("of the whole", True)
    limits = descriptor.floating_point_range[0]
    assert (limits.from_value, limits.to_value) == (0.0, 1.0)
    assert node.describe_parameter("count").integer_range[0].to_value == 10


def test_whole_numbers_pass_for_real_ones(make_node):
    assert declared_settings(make_node(share=1), Settings(), TABLE).share == 1.0


@pytest.mark.parametrize("value", [1.5, -1, float("nan"), float("inf")])
def test_a_number_outside_its_range_is_refused_with_the_range(make_node, value):
    with pytest.raises(ContractError, match="parameter share: expected 0 to 1, got"):
        declared_settings(make_node(share=value), Settings(), TABLE)


@pytest.mark.parametrize(("name", "value"), [("share", "much"), ("count", 2.5), ("count", True)])
def test_a_value_of_another_kind_is_refused(make_node, name, value):
    with pytest.raises(ContractError, match=f"parameter {name}: expected (float|int)"):
        declared_settings(make_node(**{name: value}), Settings(), TABLE)


def test_a_word_of_another_kind_is_refused_where_it_may_change(make_node):
    with pytest.raises(ContractError, match="parameter name: expected str like 'text', got 7"):
        declared(make_node(name=7), "name", "text", "of it", read_only=False)


def test_changes_are_checked_by_the_same_rules_and_unknown_names_left_aside():
    assert changed_settings(Settings(), {"share": 1, "foreign": 7}, TABLE) == Settings(1.0, 3)
    with pytest.raises(ContractError, match="parameter count: expected 1 to 10, got 11"):
        changed_settings(Settings(), {"count": 11}, TABLE)


@pytest.mark.parametrize(
    ("settings", "table"), [(PursuitSettings, PURSUIT), (StopSettings, STOP), (MotionSettings, MOTION)]
)
def test_every_threshold_of_the_policy_is_a_parameter_within_its_range(settings, table):
    assert {field.name for field in dataclasses.fields(settings)} == set(table)
    for name, (text, low, high) in table.items():
        assert text
        assert low <= getattr(settings(), name) <= high


def test_thresholds_change_together_or_not_at_all(make_node):
    thresholds = Thresholds.declared(make_node())
    changed = thresholds.changed({"lost_timeout": 5, "stuck_timeout": 9.0, "temperature": 0})
    assert (changed.stop.lost_timeout, changed.motion.stuck_timeout, changed.pursuit.temperature) == (5.0, 9.0, 0.0)
    with pytest.raises(ContractError, match="lost_visible: expected no more than seen_visible"):
        thresholds.changed({"lost_visible": 0.9})


@pytest.mark.parametrize("settings", [StopSettings(), MotionSettings()], ids=lambda settings: type(settings).__name__)
def test_the_page_for_robots_names_every_threshold_with_its_default(settings):
    page = (Path(__file__).parents[2] / "docs/ros.md").read_text()
    for field in dataclasses.fields(settings):
        assert f"| `{field.name}` | {getattr(settings, field.name):g} |" in page
