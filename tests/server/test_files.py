"""Files over REST: values of a job and workflows under the root, and no way to any other file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from nodetool_jupyter.server import files
from nodetool_jupyter.session import Session
from nodetool_jupyter.store.assets import FOLDER, RunFiles
from tests.server.client import Client
from tests.server.records import SUM, put

SECRET = "not for you"


@pytest.fixture
def root(client: Client) -> Path:
    """The server's root, beside a file that isn't in it."""
    folder = Path(client.app.root_dir)
    (folder.parent / "secret.json").write_text(json.dumps({**SUM, "name": SECRET}), "utf-8")
    (folder / "sum.json").write_text(json.dumps(SUM), "utf-8")
    (folder / "package.json").write_text('{"name": "x"}', "utf-8")
    (folder / "notes.txt").write_text("nodes and edges", "utf-8")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "sum.json").write_text(json.dumps(SUM), "utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "über uns.yaml").write_text("nodes:\n- id: a\n  type: x\nedges: []\n", "utf-8")
    (folder / "out").symlink_to(folder.parent)
    (folder / "link.json").symlink_to(folder.parent / "secret.json")
    return folder


class TestWorkflows:
    """Workflow files, listed by folder."""

    def test_listed(self, client: Client, root: Path) -> None:
        """Folders and what looks like a workflow: no links, nothing hidden, no other files."""
        listed = client.get("/workflows").body["entries"]
        assert [(entry["path"], entry["kind"]) for entry in listed] == [
            ("sub", "folder"),
            ("sum.json", "workflow"),
        ]
        inner = client.get("/workflows?folder=sub").body["entries"]
        assert [entry["path"] for entry in inner] == ["sub/über uns.yaml"]

    def test_names_that_are_no_text_are_passed_over(self, client: Client, root: Path) -> None:
        """Those of other systems: the list has all the others."""
        (root / os.fsdecode(b"\xff\xfe")).mkdir()
        assert [entry["path"] for entry in client.get("/workflows").body["entries"]] == ["sub", "sum.json"]

    def test_read(self, client: Client, root: Path) -> None:
        """With its graph, whatever its name is."""
        found = client.get("/workflows/sum.json").body
        assert (found["path"], len(found["workflow"]["graph"]["nodes"])) == ("sum.json", 2)
        assert client.get("/workflows/" + quote("sub/über uns.yaml")).status == 200

    @pytest.mark.parametrize(
        "path",
        [
            "../secret.json",
            "%2e%2e/secret.json",
            "%2e%2e%2fsecret.json",
            "sub/../../secret.json",
            "sub/%2e%2e/%2e%2e/secret.json",
            "out/secret.json",
            "link.json",
            ".hidden/sum.json",
            "sum.json/",
            "sub",
            "missing.json",
            "sum.json/more.json",
            "sub%5C..%5Csecret.json",
            "sum.json%00",
            "notes.txt",
            "x" * 300 + ".json",
        ],
    )
    def test_no_way_out(self, client: Client, root: Path, path: str) -> None:
        """Nothing but a workflow file in the root is read."""
        answer = client.get(f"/workflows/{path}")
        if path != "sum.json/":
            assert answer.status == 404
        assert SECRET not in str(answer.body)

    @pytest.mark.parametrize("folder", ["..", "../", "out", "sub/../..", ".hidden", "sum.json", "missing"])
    def test_no_folder_out(self, client: Client, root: Path, folder: str) -> None:
        """Nor is any listed."""
        assert client.get(f"/workflows?folder={quote(folder)}").status == 404

    def test_an_absolute_path_is_below_the_root(self, client: Client, root: Path) -> None:
        """It starts there, as in Jupyter's own."""
        assert client.get(f"/workflows/{quote(str(root.parent / 'secret.json'))}").status == 404

    def test_a_pipe_keeps_nobody_waiting(self, client: Client, root: Path) -> None:
        """A named pipe without a writer is no file."""
        os.mkfifo(root / "pipe.json")
        assert client.get("/workflows/pipe.json").status == 404
        assert client.get("/workflows").status == 200

    def test_what_is_no_workflow(self, client: Client, root: Path) -> None:
        """Says why, and which file it is."""
        answer = client.get("/workflows/package.json")
        assert (answer.status, "package.json" in answer.body["hint"]) == (400, True)
        (root / "bad.json").write_text('{"nodes": [{"id": 1}], "edges": []}', "utf-8")
        assert client.get("/workflows/bad.json").body["kind"] == "InvalidGraph"

    def test_too_large(self, client: Client, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file is read within bounds."""
        monkeypatch.setattr(files, "FILE", files.ReadLimits(size=100))
        assert client.get("/workflows/sum.json").status == 400


class TestAssets:
    """Large values of a job: by their references, from its own folder."""

    @pytest.fixture
    def job_id(self, session: Session) -> str:
        return put(session.store)

    def test_read(self, client: Client, session: Session, job_id: str) -> None:
        """Bytes as they are, to be kept and not to be shown."""
        data = os.urandom(files.BLOCK + 1)
        name = RunFiles(session.store, job_id).write("out", ".npy", data)
        assert client.get(f"/jobs/{job_id}/assets").body["assets"] == [{"name": name, "size": len(data)}]
        answer = client.get(f"/jobs/{job_id}/assets/{name}")
        assert (answer.status, answer.body == data) == (200, True)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        ("suffix", "kind"), [(".png", "image/png"), (".html", "application/octet-stream")]
    )
    def test_kinds(self, client: Client, session: Session, job_id: str, suffix: str, kind: str) -> None:
        """An image is one; a page or a drawing that could hold a script is bytes."""
        name = RunFiles(session.store, job_id).write("out", suffix, b"x")
        assert client.get(f"/jobs/{job_id}/assets/{name}").headers["Content-Type"] == kind

    def test_of_no_other_job(self, client: Client, session: Session, job_id: str) -> None:
        """A reference is good for its own job alone."""
        name = RunFiles(session.store, job_id).write("out", ".bin", b"x")
        assert client.get(f"/jobs/{put(session.store)}/assets/{name}").status == 404

    def test_without_any(self, client: Client, job_id: str) -> None:
        """No folder, no values."""
        assert client.get(f"/jobs/{job_id}/assets").body == {"assets": [], "is_cut": False}

    def test_links_are_not_followed(
        self, client: Client, session: Session, job_id: str, tmp_path: Path
    ) -> None:
        """A job's process owns its folder, and could lead the server anywhere from there."""
        secret = tmp_path / "secret.bin"
        secret.write_text(SECRET, "utf-8")
        folder = session.store.run_directory(job_id) / FOLDER
        folder.mkdir(parents=True)
        (folder / "soft-0.bin").symlink_to(secret)
        (folder / "hard-0.bin").hardlink_to(secret)
        os.mkfifo(folder / "pipe-0.bin")
        for name in ("soft-0.bin", "hard-0.bin", "pipe-0.bin", "..%2Fevents.jsonl", "gone-0.bin"):
            assert client.get(f"/jobs/{job_id}/assets/{name}").status == 404, name
        other = put(session.store)
        session.store.run_directory(other).mkdir(parents=True, exist_ok=True)
        (session.store.run_directory(other) / FOLDER).symlink_to(tmp_path)
        assert client.get(f"/jobs/{other}/assets/secret.bin").status == 404
        assert client.get(f"/jobs/{other}/assets").body["assets"] == []
