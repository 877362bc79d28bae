"""Settings: every value is read, checked and traced to where it came from; nothing falls back silently."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodetool_jupyter.environment import parse_bytes, read_secret
from nodetool_jupyter.errors import SettingsError
from nodetool_jupyter.settings import Settings, load_settings

GOOD = {
    "ENV": ("production", "env", "production"),
    "NODETOOL_HOME": ("~/nodetool", "home", Path.home() / "nodetool"),
    "NODETOOL_STORE": ("memory", "store", "memory"),
    "NODETOOL_ASSET_URL": ("s3://bucket/assets", "asset_url", "s3://bucket/assets"),
    "NODETOOL_STRATEGY": ("docker", "strategy", "docker"),
    "NODETOOL_PROGRESS": ("text", "progress", "text"),
    "THREAD_POOL_SIZE": ("3", "thread_pool_size", 3),
    "MAX_WORKFLOW_THREADS": (" 7 ", "max_workflow_threads", 7),
    "NODETOOL_MAX_CONTAINERS": ("2", "max_containers", 2),
    "NODETOOL_JOB_TIMEOUT": ("1.5", "job_timeout", 1.5),
    "NODETOOL_CACHE_SIZE": ("2g", "cache_size", 2 * 2**30),
    "NODETOOL_CANCEL_GRACE": ("0", "cancel_grace", 0.0),
    "NODETOOL_DOCKER_PULL": ("always", "docker_pull", "always"),
    "NODETOOL_DOCKER_PREWARM": ("2", "docker_prewarm", 2),
    "NODETOOL_DOCKER_IMAGE": ("hub:5000/a/b:1.0@sha256:ab", "docker_image", "hub:5000/a/b:1.0@sha256:ab"),
    "DOCKER_CPU_LIMIT": ("1.5", "docker_cpu_limit", 1.5),
    "DOCKER_MEMORY_LIMIT": ("512m", "docker_memory_limit", 512 * 2**20),
    "DOCKER_SHM_SIZE": ("1GiB", "docker_shm_size", 2**30),
    "DOCKER_PIDS_LIMIT": ("64", "docker_pids_limit", 64),
    "DOCKER_USER": ("1000:1000", "docker_user", "1000:1000"),
    "DOCKER_GPU_DEVICES": ("device=0,1", "docker_gpu_devices", "device=0,1"),
    "NODETOOL_DOCKER_ALLOW_HOST_NETWORK": ("1", "docker_allow_host_network", True),
    "AUTH_PROVIDER": ("static", "auth_provider", "static"),
    "NODETOOL_ENABLE_TERMINAL_WS": ("yes", "enable_terminal_ws", True),
    "NODETOOL_HTTP_ALLOWED_HOSTS": (
        "LocalHost:8000, intranet.example,[::1]:80",
        "http_allowed_hosts",
        ("localhost:8000", "intranet.example", "[::1]:80"),
    ),
    "NODETOOL_PREFER_INSTALLED_NODES": ("1", "prefer_installed_nodes", True),
    "NODETOOL_GPU_DEVICES": ("0, 1", "gpu_devices", ("0", "1")),
    "NODETOOL_TRACE": ("on", "trace", True),
}
BAD = {
    "NODETOOL_HOME": ["~nobody-of-that-name/x"],
    "NODETOOL_STORE": ["postgres", "SQLITE"],
    "NODETOOL_ASSET_URL": ["s3://a b"],
    "NODETOOL_CACHE_SIZE": ["much", "0", "none"],
    "NODETOOL_STRATEGY": ["two words", "-s"],
    "NODETOOL_PROGRESS": ["loud"],
    "THREAD_POOL_SIZE": ["zero", "0", "-1", "1.5", "none", "nan", "9" * 5000],
    "MAX_WORKFLOW_THREADS": ["many", "0"],
    "NODETOOL_MAX_CONTAINERS": ["0"],
    "NODETOOL_JOB_TIMEOUT": ["0", "-3", "nan", "inf", "1e300", "5s"],
    "NODETOOL_CANCEL_GRACE": ["-1", "nan", "none"],
    "NODETOOL_DOCKER_PULL": ["sometimes"],
    "NODETOOL_DOCKER_PREWARM": ["-1", "some", "1000"],
    "NODETOOL_DOCKER_IMAGE": ["an image", "-it", "$(id)"],
    "DOCKER_CPU_LIMIT": ["0", "inf", "all"],
    "DOCKER_MEMORY_LIMIT": ["0", "-1m", "lots", "1x", "nan", "inf", "1e30"],
    "DOCKER_SHM_SIZE": ["m"],
    "DOCKER_PIDS_LIMIT": ["0"],
    "DOCKER_USER": ["a b", "a:b:c"],
    "DOCKER_GPU_DEVICES": ["one of them", "all,0;"],
    "NODETOOL_DOCKER_ALLOW_HOST_NETWORK": ["maybe", "2"],
    "AUTH_PROVIDER": ["none", "ldap"],
    "NODETOOL_ENABLE_TERMINAL_WS": ["never"],
    "NODETOOL_HTTP_ALLOWED_HOSTS": ["http://localhost", "a b", "a,,b", "*"],
    "NODETOOL_PREFER_INSTALLED_NODES": ["http://collector"],
    "NODETOOL_GPU_DEVICES": ["0,,1", "a b"],
    "NODETOOL_TRACE": ["http://collector"],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project's file above it, to be written by ``configure``."""
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    return folder


def configure(folder: Path, text: str) -> Path:
    path = folder.parent / "pyproject.toml"
    path.write_text(text, "utf-8")
    return path


def load(folder: Path, **environ: str) -> Settings:
    return load_settings(environ, folder)


def test_every_setting_has_a_test_here() -> None:
    """A new setting comes with an example of what it reads, and its own variable."""
    names = [variable.name for variable in Settings.variables().values()]
    assert sorted(names) == sorted(GOOD)
    assert set(names) - set(BAD) == {"ENV"}, "ENV is any text: shells use it too"


def test_every_setting_says_what_it_accepts() -> None:
    """The words of the error message are there for each field."""
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


@pytest.mark.parametrize("variable", GOOD)
def test_variable_is_read(variable: str, project: Path) -> None:
    """Each variable reaches its field, converted, and the field knows the variable."""
    text, field, value = GOOD[variable]
    settings = load(project, **{variable: text})
    assert getattr(settings, field) == value
    assert settings.origin(field) == f"environment {variable}"


@pytest.mark.parametrize(
    ("variable", "text"), [(variable, text) for variable, texts in BAD.items() for text in texts]
)
def test_bad_value_stops_with_variable_value_and_what_is_accepted(
    variable: str, text: str, project: Path
) -> None:
    """Nobody runs with a default because of a typing error."""
    with pytest.raises(SettingsError) as caught:
        load(project, **{variable: text})
    message = str(caught.value)
    field = next(name for name, found in Settings.variables().items() if found.name == variable)
    assert f"{variable}={text!r:.40}"[:40] in message
    assert f"accepted: {Settings.model_fields[field].description}" in message
    assert len(message) < 500


def test_all_bad_values_are_named_at_once(project: Path) -> None:
    """One error for one round of corrections, and good values are not blamed."""
    with pytest.raises(SettingsError) as caught:
        load(project, THREAD_POOL_SIZE="x", DOCKER_USER="a b", NODETOOL_STORE="sqlite")
    assert str(caught.value).splitlines() == [
        "THREAD_POOL_SIZE='x' can't be read; accepted: a whole number above 0",
        "DOCKER_USER='a b' can't be read; accepted: a user or user:group, or none",
        "  → correct it, or take it away to have the default",
    ]


def test_defaults(project: Path) -> None:
    """Everything works without any setting."""
    settings = load(project)
    cpus = os.cpu_count() or 1
    assert settings.store == "sqlite"
    assert settings.strategy == "threaded"
    assert settings.home.is_absolute()
    assert settings.home.name == "nodetool-jupyter"
    assert settings.job_timeout is None
    assert settings.cancel_grace == 5.0
    assert (settings.thread_pool_size, settings.max_containers) == (cpus, cpus)
    assert settings.max_workflow_threads == max(4, 2 * cpus)
    assert {settings.origin(field) for field in Settings.model_fields} == {"default"}


def test_env_test_keeps_jobs_in_memory_one_at_a_time(project: Path) -> None:
    """ENV=test changes defaults only: what is set explicitly stays."""
    settings = load(project, ENV="test")
    assert (settings.store, settings.max_workflow_threads, settings.max_containers) == ("memory", 1, 1)
    assert settings.origin("store") == "default"
    explicit = load(project, ENV="test", NODETOOL_STORE="sqlite", MAX_WORKFLOW_THREADS="3")
    assert (explicit.store, explicit.max_workflow_threads) == ("sqlite", 3)


def test_a_wrong_env_like_value_of_another_program_is_no_error(project: Path) -> None:
    """POSIX shells use ENV for a file of theirs."""
    assert load(project, ENV="$HOME/.shrc").store == "sqlite"


def test_empty_variable_is_not_set(project: Path) -> None:
    """`THREAD_POOL_SIZE=` in a compose file means the default."""
    settings = load(project, THREAD_POOL_SIZE="", NODETOOL_STORE="  ")
    assert settings.origin("thread_pool_size") == settings.origin("store") == "default"


def test_nodetools_other_name_of_the_memory_limit(project: Path) -> None:
    """DOCKER_MEM_LIMIT is read; ours wins where both are set, and each is named as it was written."""
    settings = load(project, DOCKER_MEM_LIMIT="1g")
    assert settings.docker_memory_limit == 2**30
    assert settings.origin("docker_memory_limit") == "environment DOCKER_MEM_LIMIT"
    assert load(project, DOCKER_MEM_LIMIT="1g", DOCKER_MEMORY_LIMIT="2g").docker_memory_limit == 2**31
    with pytest.raises(SettingsError, match="DOCKER_MEM_LIMIT='x'"):
        load(project, DOCKER_MEM_LIMIT="x")


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """Without arguments: this process's environment, and the project of the working directory."""
    configure(project, "[tool.nodetool-jupyter]\nprogress = 'none'")
    monkeypatch.chdir(project)
    monkeypatch.setenv("THREAD_POOL_SIZE", "5")
    settings = load_settings()
    assert (settings.thread_pool_size, settings.progress) == (5, "none")


def test_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """A later chdir of the notebook must not move the store."""
    monkeypatch.chdir(project)
    assert load(project, NODETOOL_HOME="jobs").home == project / "jobs"


def test_pyproject_above_the_notebook_is_read(project: Path) -> None:
    """Dashes or underscores, numbers or text; the environment wins; `none` takes a value back."""
    configure(
        project,
        "[tool.nodetool-jupyter]\nmax-workflow-threads = 2\nthread_pool_size = '3'\n"
        "job-timeout = 60.5\ntrace = true\nprogress = 'text'",
    )
    settings = load(project, NODETOOL_PROGRESS="widget", NODETOOL_JOB_TIMEOUT="none")
    assert (settings.max_workflow_threads, settings.thread_pool_size, settings.trace) == (2, 3, True)
    assert (settings.progress, settings.job_timeout) == ("widget", None)
    assert settings.origin("thread_pool_size") == f"pyproject.toml of {project.parent}"
    assert settings.origin("job_timeout") == "environment NODETOOL_JOB_TIMEOUT"


def test_only_the_nearest_pyproject_counts(project: Path) -> None:
    """A project inside of another is its own, even without our table."""
    configure(project, "[tool.nodetool-jupyter]\nprogress = 'none'")
    (project / "pyproject.toml").write_text("[project]\nname = 'inner'\n", "utf-8")
    assert load(project).progress == "auto"


def test_home_in_pyproject_is_meant_from_its_folder(project: Path) -> None:
    """It does not depend on where below the project the kernel was started."""
    configure(project, "[tool.nodetool-jupyter]\nhome = 'jobs'")
    assert load(project).home == project.parent / "jobs"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.nodetool-jupyter]\nthread-pool-size = 'x'", "thread-pool-size = 'x' in"),
        ("[tool.nodetool-jupyter]\nthread-pool-size = true", "accepted: a whole number above 0"),
        ("[tool.nodetool-jupyter]\nthread-pool-size = [1]", "accepted: a whole number above 0"),
        ("[tool.nodetool-jupyter]\nthread-pool = 1", "did you mean thread_pool_size?"),
        ("[tool.nodetool-jupyter]\nzzz = 1", "known are env, home"),
        ("[tool]\nnodetool-jupyter = 3", "is not a table"),
        ("tool = 3", None),
        ("[tool.nodetool-jupyter", "can't be read"),
        ("[tool.nodetool-jupyter]\nhome = '~nobody-of-that-name'", "can't be read"),
        ('[tool.nodetool-jupyter]\nhome = "a\\u0000b"', "accepted: a folder"),
        ('[tool.nodetool-jupyter]\ndocker-image = "a\\u0000b"', "accepted: the name of an image"),
    ],
)
def test_pyproject_with_a_mistake(text: str, words: str | None, project: Path) -> None:
    """A mistake in the file names the file; a file that only has nothing for us is fine."""
    path = configure(project, text)
    if words is None:
        assert load(project).origin("home") == "default"
        return
    with pytest.raises(SettingsError) as caught:
        load(project)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_pyproject_that_is_no_text(project: Path) -> None:
    """Binary rubbish is a sentence, not a UnicodeDecodeError."""
    configure(project, "")
    (project.parent / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="can't be read"):
        load(project)


def test_a_project_can_not_widen_what_is_allowed(project: Path) -> None:
    """A cloned project must not switch off authentication or open the host's network."""
    trusted = [field for field, variable in Settings.variables().items() if variable.trusted]
    assert {"auth_provider", "docker_allow_host_network", "enable_terminal_ws", "env"} <= set(trusted)
    assert "http_allowed_hosts" in trusted
    for field in trusted:
        configure(project, f"[tool.nodetool-jupyter]\n{field} = '1'")
        with pytest.raises(SettingsError, match=f"environment variable {Settings.variables()[field].name}"):
            load(project)


def test_deleted_working_directory_has_no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel whose folder was deleted still has settings."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load_settings({"NODETOOL_HOME": str(tmp_path)}).origin("progress") == "default"


def test_settings_are_frozen_and_closed() -> None:
    """What one part of a session read is what the others have; a misspelled argument is an error."""
    settings = Settings(thread_pool_size=2, docker_memory_limit=2**20)
    assert settings.docker_memory_limit == 2**20
    assert settings.origin("thread_pool_size") == "argument"
    with pytest.raises(ValidationError):
        settings.thread_pool_size = 3
    with pytest.raises(ValidationError):
        Settings(thread_pool=2)


def test_secret_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is not a setting: it is in none, and a missing one is None."""
    monkeypatch.setenv("SOME_API_KEY", "s3cret")
    assert read_secret("SOME_API_KEY") == "s3cret"
    assert read_secret("NO_SUCH_API_KEY") is None
    assert "s3cret" not in repr(load_settings())


@given(st.integers(1, 2**53), st.sampled_from(["", "b", "k", "K", "kb", "KiB", "m", "MB", "gib", "t"]))
def test_sizes_are_powers_of_1024(number: int, unit: str) -> None:
    """A size means the same however its unit is written."""
    factor = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}[unit.lower()[:1]]
    if number << factor < 2**63:
        assert parse_bytes(f"{number}{unit}") == number << factor


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_a_clear_error(text: str) -> None:
    """No text gets through as something else or breaks the parser."""
    try:
        size = parse_bytes(text)
    except ValueError:
        return
    assert isinstance(size, int)
    assert size > 0
