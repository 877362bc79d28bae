"""Assets: kept by id, found again by it alone, each user's apart, in a folder or in a bucket."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from nodetool_jupyter.errors import AssetNotFound, StoreError
from nodetool_jupyter.store import bucket
from nodetool_jupyter.store.bucket import AssetStore

KINDS = ("folder", "file", "memory")


@pytest.fixture(params=KINDS)
def assets(request: pytest.FixtureRequest, tmp_path: Path) -> AssetStore:
    """The same promises, wherever they lie."""
    url = {"folder": None, "file": (tmp_path / "a b").as_uri(), "memory": f"memory://{tmp_path.name}"}
    return AssetStore(url[request.param], lambda: tmp_path / "assets")


class TestAll:
    """What holds for every place."""

    def test_what_is_saved_is_read(self, assets: AssetStore) -> None:
        """By the id, with its ending or without."""
        ann = assets.of("")
        asset_id = ann.save(b"\x89PNG", ".png")
        assert ann.read(asset_id) == ann.read(f"{asset_id}.png") == b"\x89PNG"
        assert ann.find(asset_id) == f"{asset_id}.png"
        plain = ann.save(b"", "")
        assert (ann.read(plain), ann.find(plain)) == (b"", plain)

    def test_users_are_apart(self, assets: AssetStore) -> None:
        """Nobody reads another's, whoever knows the id; the user without a name is one, too."""
        asset_id = assets.of("ann").save(b"x", ".txt")
        assert assets.of("ann").read(asset_id) == b"x"
        for other in ("bob", "", "../ann", "users"):
            with pytest.raises(AssetNotFound, match=f"there is no asset {asset_id}"):
                assets.of(other).read(asset_id)

    @pytest.mark.parametrize(
        "asset_id", ["", "../secret", "a/b", "a\\b", "a.b.c", ".hidden", "a*", "a\0", "é", "x" * 100]
    )
    def test_no_other_file_is_read(self, assets: AssetStore, asset_id: str) -> None:
        """An id leads nowhere else."""
        with pytest.raises(AssetNotFound, match="is no id of an asset"):
            assets.of("").read(asset_id)

    def test_an_ending_is_checked(self, assets: AssetStore) -> None:
        """It becomes part of a file's name."""
        with pytest.raises(StoreError, match="is no ending"):
            assets.of("").save(b"x", "/../../x")

    def test_a_large_one_is_refused(self, assets: AssetStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rather than taking all memory."""
        asset_id = assets.of("").save(b"12345", ".txt")
        monkeypatch.setattr(bucket, "LONGEST", 4)
        with pytest.raises(StoreError, match="is larger than"):
            assets.of("").read(asset_id)


class TestFolder:
    """On this machine."""

    def test_private(self, tmp_path: Path) -> None:
        """For this user of the machine alone."""
        folder = tmp_path / "assets"
        asset_id = AssetStore(None, lambda: folder).of("").save(b"x", ".txt")
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / f"{asset_id}.txt")]
        assert modes == [0o700, 0o600]

    def test_a_folder_of_nodetool(self, tmp_path: Path) -> None:
        """Its files are named by their id and ending, so that it can be used as it is."""
        (tmp_path / "8ab3.png").write_bytes(b"image")
        (tmp_path / "8ab3_thumb.jpg").write_bytes(b"small")
        found = AssetStore(tmp_path.as_uri(), lambda: tmp_path / "none").of("")
        assert (found.read("8ab3"), found.read("8ab3_thumb")) == (b"image", b"small")

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        """They may lead anywhere."""
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "assets").mkdir()
        (tmp_path / "assets" / "a.txt").symlink_to(tmp_path / "secret")
        with pytest.raises(StoreError, match=r"the asset a\.txt can't be read from the folder"):
            AssetStore(None, lambda: tmp_path / "assets").of("").read("a")


class TestBucket:
    """Elsewhere."""

    def test_credentials_are_not_shown(self) -> None:
        """An address may have them."""
        with pytest.raises(StoreError) as raised:
            AssetStore("nowhere://key:hidden@bucket/a", Path).of("").read("x.png")
        assert "nowhere://bucket/a" in str(raised.value)
        assert "hidden" not in str(raised.value).partition(":")[0]

    def test_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where fsspec is missing, it says how to get it."""
        monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
        with pytest.raises(StoreError, match=r"pip install 'nodetool-jupyter\[assets\]'"):
            AssetStore("memory://x", Path).of("").save(b"x", ".txt")

    def test_it_has_addresses_or_none(self, assets: AssetStore) -> None:
        """None of these does: then the server gives one."""
        assert assets.of("").address("a.txt", 60) is None
