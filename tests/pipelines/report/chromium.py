"""A real browser for tests of the page: Debian's Chromium, without network, at the widths and colour schemes of readers."""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser")
WIDTHS = {1280: 900, 390: 844}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DRAWN = """() => {
  const places = document.querySelectorAll('.chart').length;
  return window.scovilleCharts !== undefined && Object.keys(window.scovilleCharts).length === places;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A page as a reader sees it, and what the browser said meanwhile."""

    page: "Page"
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Addresses that were asked for, the page's own left out."""

    def told(self, script: str) -> Any:
        return self.page.evaluate(script)


@contextmanager
def chromium() -> "Iterator[Browser]":
    """The browser, or a skip that says what is missing; CI with SCOVILLE_BROWSER set fails instead."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing = "needs Chromium: apt-get install chromium"
        if os.environ.get("SCOVILLE_BROWSER"):
            pytest.fail(f"SCOVILLE_BROWSER is set, but the test {missing}")
        pytest.skip(missing)
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra `dev`")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: "Browser", path: Path, *, width: int, scheme: Literal["light", "dark"]) -> Opened:
    """The page in a window of that width, all its charts drawn."""
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme, offline=True, reduced_motion="reduce"
    )
    seen = Opened(page=context.new_page())
    address = path.resolve().as_uri()

    def heard(message: "ConsoleMessage") -> None:
        if message.type == "error":
            seen.errors.append(message.text)

    seen.page.on("console", heard)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("request", lambda request: request.url != address and seen.requests.append(request.url))
    seen.page.goto(address)
    seen.page.wait_for_function(DRAWN, timeout=60_000)
    return seen
