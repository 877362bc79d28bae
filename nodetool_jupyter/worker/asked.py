"""What an owner gives to one job that asks: results that jobs share, and assets of its user.

A job that is locked in gets less: it changes no shared result, reads the assets alone that it was given or
has kept itself, and can't keep without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nodetool_jupyter.engine.context import RESULT_KEY, Assets, ResultCache
from nodetool_jupyter.errors import AssetNotFound, NodeToolError
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.worker.line import DROP, GET, KEEP, LONGEST_RESULT, READ, SAVE

MOST_KEPT = 1024 * 1024 * 1024
"""Bytes of assets that a job which is locked in may keep."""
ADDRESS = re.compile(r"(?:asset:/*|/api/storage/(?:[\w.-]+/)*)([A-Za-z0-9_-]{1,80})")


class Owner:
    """Answers one job. ``given`` is None for a job that may do what its user may, else the ids of assets that
    it was given.
    """

    def __init__(
        self, results: ResultCache | None, assets: Assets, given: Callable[[], set[str]] | None
    ) -> None:
        self._results = results
        self._assets = assets
        self._given = given
        self._known: set[str] | None = None
        self._left = MOST_KEPT

    def answer(self, verb: bytes, name: str, data: bytes) -> bytes | None:
        """See line.Answer; raises ValueError for what is no question."""
        if verb == READ:
            return self._read(name)
        if verb == SAVE:
            return self._save(data, name)
        if not RESULT_KEY.fullmatch(name) or self._results is None:
            raise ValueError(f"{name!r} is no key of a result")
        if verb == GET:
            found = self._results.get(name)
            return found if found is not None and len(found) <= LONGEST_RESULT else None
        if self._given is None:
            self._change(verb, name, data)
        return None

    def _change(self, verb: bytes, key: str, data: bytes) -> None:
        assert self._results is not None
        if verb == KEEP and len(data) <= LONGEST_RESULT:
            self._results.keep(key, data)
        elif verb == DROP:
            self._results.drop(key)

    def _read(self, asset_id: str) -> bytes:
        if self._given is not None and asset_id.partition(".")[0] not in self._ids(self._given):
            raise AssetNotFound(
                f"the asset {asset_id[:80]!r} is none that the job was given",
                hint="name it by its address (asset://…) in the job's properties or params",
            )
        return self._assets.read(asset_id)

    def _save(self, content: bytes, suffix: str) -> bytes:
        if self._given is not None:
            if len(content) > self._left:
                raise NodeToolError(
                    f"a job that is locked in keeps at most {MOST_KEPT // 2**20:,} MiB of assets",
                    hint="give the content as the node's result",
                )
            self._left -= len(content) + 4096
        asset_id = self._assets.save(content, suffix)
        if self._given is not None:
            self._ids(self._given).add(asset_id)
        return asset_id.encode("ascii")

    def _ids(self, given: Callable[[], set[str]]) -> set[str]:
        if self._known is None:
            self._known = given()
        return self._known


def assets_in(graph: Graph, params: Mapping[str, Any]) -> set[str]:
    """The ids of assets that a graph's properties and params name."""
    found = set()
    for part in (
        params,
        *(values for node in graph.nodes for values in (node.data, node.dynamic_properties)),
    ):
        for value in _texts(part):
            found.update(ADDRESS.findall(value))
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value; an ``asset_id`` as its address."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        if isinstance(value.get("asset_id"), str):
            yield f"asset://{value['asset_id']}"
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
