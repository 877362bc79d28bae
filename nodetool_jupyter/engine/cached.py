"""The firing of a node with ``cache=True``: the kept result if there is one, else its own, which is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.engine.blocking import call_blocking
from nodetool_jupyter.engine.caching import NodeCache, Uncacheable

if TYPE_CHECKING:
    from nodetool_jupyter.engine.actor import Actor
    from nodetool_jupyter.model.events import Severity


class CachedFirings:
    """All firings of one node in one run."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._cache: NodeCache | None = None
        self._is_told: set[str] = set()
        self._waiting: bytes | None = None
        self._wants_result = False
        services = actor.run.context.services
        if services.results is None:
            return
        try:
            self._cache = NodeCache(services.results, actor.node, actor.run.context)
        except Uncacheable as reason:
            self._tell(f"its results aren't cached: {reason}", "warning")

    async def fire(self, values: Mapping[str, Any]) -> None:
        """Give what is kept for these values, or fire and keep."""
        actor, cache = self._actor, self._cache
        key = None if cache is None else await self._key(cache, values)
        if cache is None or key is None:
            await actor.fire_anew(values)
            return
        kept = await self._look_up(cache, key)
        if kept is not None:
            self._tell("its result comes from the cache", "info")
            await actor.give(kept[0])
            return
        self._waiting, self._wants_result = None, True
        try:
            await actor.fire_anew(values)
        finally:
            self._wants_result = False
        await self._keep(cache, key)

    async def _keep(self, cache: NodeCache, key: str) -> None:
        data, self._waiting = self._waiting, None
        if data is not None:
            await call_blocking(self._actor, lambda: cache.keep(key, data))

    async def _key(self, cache: NodeCache, values: Mapping[str, Any]) -> str | None:
        try:
            key: str = await call_blocking(self._actor, lambda: cache.key(values))
        except Uncacheable as reason:
            self._tell(f"its result isn't cached: {reason}", "warning")
            return None
        return key

    async def _look_up(self, cache: NodeCache, key: str) -> tuple[Any] | None:
        try:
            kept: tuple[Any] | None = await call_blocking(self._actor, lambda: cache.get(key))
        except Uncacheable as reason:
            self._tell(f"{reason}; it is computed again", "warning")
            return None
        return kept

    def take(self, result: Any) -> None:
        """A result before it is sent on: who gets it may change it."""
        if not self._wants_result or self._cache is None:
            return
        try:
            self._waiting = self._cache.encoded(result)
        except Uncacheable as reason:
            self._tell(f"its result isn't cached: {reason}", "warning")

    def _tell(self, content: str, severity: Severity) -> None:
        """Once in a run: a node may fire a million times."""
        if content not in self._is_told and len(self._is_told) < 8:
            self._is_told.add(content)
            self._actor.report_log(content, severity)
