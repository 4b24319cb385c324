"""For all tests: generated examples take as long as they do, and one browser shows every page.

How long an example takes says nothing on a machine that others use too. Playwright runs one loop a process.
The same commit gives the same examples on every machine: what failed for one fails for all. To look further, run
`pytest --hypothesis-profile=explore`, or `xview bench fuzz` and `xview bench fuzz-sim`.
"""

import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings
from playwright.sync_api import BrowserContext, sync_playwright

settings.register_profile("explore", deadline=None)
settings.register_profile("xview", deadline=None, derandomize=True)
settings.load_profile("xview")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[BrowserContext]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, f"expected one of {', '.join(BROWSERS)} on the path, found none: apt-get install chromium"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            args=FLAGS,
            viewport={"width": 1440, "height": 900},
        )
        yield context
        context.close()
