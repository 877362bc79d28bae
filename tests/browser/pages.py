"""The page that a module's tests share: whatever a page before it has stored, it finds nothing of that."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page


class Pages:
    """Of a browser, one at a time. ``origin`` is whose cookies and stored state a new one must not find."""

    def __init__(self, browser: BrowserContext, origin: str) -> None:
        self._browser = browser
        self._origin = origin
        self._page: Page | None = None

    def current(self) -> Page:
        """The page that is open, or a new one."""
        if self._page is None or self._page.is_closed():
            self._page = self._browser.new_page()
            session = self._browser.new_cdp_session(self._page)
            session.send("Storage.clearDataForOrigin", {"origin": self._origin, "storageTypes": "all"})
            session.detach()
        return self._page

    def close(self) -> None:
        """Have the next one be new."""
        if self._page is not None and not self._page.is_closed():
            self._page.close()
