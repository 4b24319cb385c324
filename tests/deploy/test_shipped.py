"""The policies that come with the project are had by their names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from xview_deploy.bundle import read_bundle
from xview_deploy.shipped import BUNDLES, SHIPPED, SHIPPED_BUNDLE, bundle_path
from xview_deploy.spec import ACTION_TABLES

ROOT = Path(__file__).resolve().parents[2]


def test_every_bundle_of_the_package_has_a_name_and_calls_itself_by_it():
    assert sorted(SHIPPED.values()) == sorted(BUNDLES.glob("*.xview"))
    for name, path in SHIPPED.items():
        assert bundle_path(name) == path
        assert read_bundle(path).metadata.name == name


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_name_it_is_the_robot_s(nothing):
    assert bundle_path(nothing) == SHIPPED_BUNDLE


def test_the_model_card_s_command_prints_what_a_bundle_says_of_itself():
    code = re.search(r'`python -c "(.+?)"`', (ROOT / "docs" / "model-card.md").read_text())[1]
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(read_bundle(SHIPPED_BUNDLE).metadata)


def test_anything_else_is_a_path():
    assert bundle_path("other/five.xview") == Path("other/five.xview")


def test_five_knows_every_event_with_the_keys_that_they_need():
    metadata = read_bundle(bundle_path("five")).metadata
    assert metadata.events == ("approach", "break", "hunt", "use")
    assert metadata.actions == ACTION_TABLES["full"]
