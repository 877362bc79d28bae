"""docker, as a strategy: what it can enforce, whether it can be used here, what a request's container is.

A job's container has nothing of this machine but the job's own run directory, by which it is asked, tells
its messages and is ended.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from nodetool_jupyter.adapters.packages import packages_of
from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.errors import DockerError, ErrorCode, NodeToolError, OptionError
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.model.resources import Provision
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import Capabilities, Fingerprint, Launch
from nodetool_jupyter.strategies.docker import spec as specs
from nodetool_jupyter.strategies.docker.berths import Berths
from nodetool_jupyter.strategies.docker.changes import Answer, Changes
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.execution import DockerJobExecution
from nodetool_jupyter.strategies.docker.facts import Image
from nodetool_jupyter.strategies.docker.image import (
    default_image,
    how_to_add,
    is_ours,
    misfit,
    missing_in,
)
from nodetool_jupyter.strategies.docker.nearness import check_nearness
from nodetool_jupyter.strategies.docker.prewarmed import Idle, Pool
from nodetool_jupyter.strategies.docker.reaper import Reaped, reap
from nodetool_jupyter.strategies.docker.refusals import NameTaken, NoSuchImage, NotSeen
from nodetool_jupyter.strategies.docker.spec import ContainerSpec, EngineFacts, User
from nodetool_jupyter.strategies.followed import FollowedStrategy, read_ticket, with_ticket, write_ticket
from nodetool_jupyter.worker.carried import carried
from nodetool_jupyter.worker.limits import ENFORCED

FRESH = 30.0
"""Seconds for which the engine's word on itself is believed, where its changes aren't heard."""
SEEN = 1.0
"""The same for an image that was there: one submission asks twice."""
REMOVAL = 5.0
"""Seconds that containers of jobs that have ended get to be gone when the kernel closes."""
TAKEN = 10.0
"""Seconds that a container gets to be removed which a kernel that was killed has made, or is having made."""
LULL = 0.05
"""Seconds between two attempts at that."""
REAP_GRACE = 60.0
"""Seconds that a container may exist without anybody who looks after it."""
SHOWN = 5
"""Node types that a message names."""


class DockerStrategy(FollowedStrategy):
    """Runs jobs in containers. ``shared`` are folders of this machine that jobs see under their own names; no
    request and no setting can name one.
    """

    name = "docker"
    capabilities = Capabilities(
        limits=ENFORCED | {"cpus", "shm", "gpus"},
        options=frozenset({"image", "network", "sandbox", "trust"}),
        survives_kernel=True,
        ends_its_nodes=True,
    )

    def __init__(self, settings: Settings, *, shared: tuple[Path, ...] = ()) -> None:
        super().__init__(thread_pool_size=settings.thread_pool_size, grace=settings.cancel_grace)
        self.engine = Engine()
        self.changes = Changes(self.engine.changes)
        self.berths = Berths(settings.max_containers)
        self.prewarmed = Pool(settings.docker_prewarm, self.engine, self.give_folder)
        self.shared = shared
        self.is_closed = False
        self._settings = settings
        self._lock = threading.Lock()
        self._facts: Answer[EngineFacts] | None = None
        self._seen: dict[str, Answer[Image | None]] = {}
        self._has_reaped = False
        self._is_near = False
        self.is_far = False
        """Whether the engine is known to see none of this machine's files."""

    @classmethod
    def from_settings(cls, settings: Settings) -> DockerStrategy:
        """See Strategy.from_settings."""
        return cls(settings)

    @property
    def store(self) -> str:
        """Whose containers these are: all kernels with this store have the same word."""
        return specs.store_of(self._settings.home)

    # --- before a job -----------------------------------------------------------------------------

    def fingerprint(self) -> Fingerprint:
        """Whether the engine answers, and keeps what a container of ours needs."""
        try:
            facts = self._known()
            image = self._image_sentence()
        except DockerError as error:
            return Fingerprint(False, f"{error.message}; {error.hint}")
        reason = specs.check_engine(facts)
        if reason is not None:
            return Fingerprint(False, f"{reason}; use --strategy subprocess")
        return Fingerprint(True, f"runs in a container of its own, by Docker Engine {facts.version}; {image}")

    def _image_sentence(self) -> str:
        name = self._settings.docker_image or default_image()
        is_there = self._image(name) is not None
        way = "nodetool-jupyter image build" if is_ours(name) else f"docker pull {name}"
        return f"the image {name} is {'there' if is_there else f'missing: {way}'}"

    def _image(self, name: str) -> Image | None:
        seen = self._seen.get(name)
        if seen is None or not self.changes.holds(seen, SEEN):
            seen = self.changes.ask(partial(self.engine.image, name))
            self._seen = {} if seen.said is None else {name: seen}
        return seen.said

    def _known(self) -> EngineFacts:
        with self._lock:
            facts = self._facts
            if facts is None or not self.changes.holds(facts, FRESH):
                self._facts = None
                facts = self._facts = self.changes.ask(self.engine.facts)
            return facts.said

    def check(self, request: RunJobRequest) -> None:
        """Refuse what this engine can't do or keep, and an image that is missing or doesn't fit."""
        super().check(request)
        specs.network_of(request, self._settings)
        specs.check_limits(specs.limits_of(request, self._settings), self._known())
        self._user()
        self._check_image(self.image_for(request))

    def provides(self, request: RunJobRequest, gpus: tuple[str, ...]) -> Provision:  # noqa: ARG002 - others'
        """What its container gets."""
        return specs.provision_of(specs.limits_of(request, self._settings), self._known())

    def image_for(self, request: RunJobRequest) -> str:
        """The image that is asked for, else the setting's, else the one that ``image build`` makes."""
        return str(request.options.get("image") or self._settings.docker_image or default_image())

    def _check_image(self, name: str) -> Image | None:
        policy = self._settings.docker_pull
        image = self._image(name)
        if image is None and (policy == "never" or is_ours(name)):
            hint = f"docker pull {name}, or choose another with --image"
            if is_ours(name):
                hint = "build it: nodetool-jupyter image build"
            raise DockerError(f"there is no image {name} here", hint=hint, code=ErrorCode.IMAGE_MISSING)
        reason = misfit(image) if image is not None else None
        if reason is not None:
            raise DockerError(
                f"the image {name} doesn't fit this kernel: {reason}",
                hint="build one that does: nodetool-jupyter image build",
                code=ErrorCode.VERSION_MISMATCH,
            )
        return image

    def pull(self, image: str) -> None:
        """Get an image that isn't here, where the settings allow that; raises DockerError."""
        if self._settings.docker_pull == "never" or is_ours(image):
            raise DockerError(f"there is no image {image} here", code=ErrorCode.IMAGE_MISSING)
        self.engine.pull(image)
        self._seen = {}
        self._check_image(image)

    def pull_if_always(self, image: str) -> None:
        """Get the newest image of that name, where the settings want that; ours are in no registry."""
        if self._settings.docker_pull == "always" and not is_ours(image):
            self.pull(image)

    # --- a job ------------------------------------------------------------------------------------

    def create(self, launch: Launch, sink: EventSink) -> DockerJobExecution:
        """Write the order into the run directory, so that another kernel could start the job, too.

        Raises ValueCrossingError for a value or a node that can't go to another process.
        """
        self.changes.listen()  # this job won't be the last one
        spec = self.spec_for(launch)
        self._check_packages(launch, spec.image)
        self._check_nearness(spec)
        spec = replace(spec, is_far=self.is_far)
        self._check_resumed(launch.resumed, spec)
        with carried():
            digest = self.write_order(
                launch,
                limits=spec.limits,
                workspace=specs.SCRATCH,
                working_directory=specs.SCRATCH,
                path=[],
                resumed=None if launch.resumed is None else spec.resumed_at,
                is_contained=True,
            )
        return DockerJobExecution(
            launch=launch,
            sink=sink,
            strategy=self,
            ticket=write_ticket(digest, launch.first_seq),
            digest=digest,
            spec=spec,
        )

    def recover(self, launch: Launch, sink: EventSink, ticket: str | None) -> DockerJobExecution:
        """See Strategy.recover."""
        digest, launch = read_ticket(ticket), with_ticket(launch, ticket)
        return DockerJobExecution(launch=launch, sink=sink, strategy=self, ticket=ticket, digest=digest)

    def spec_for(self, launch: Launch) -> ContainerSpec:
        """The container of a job."""
        request = launch.request
        return ContainerSpec(
            job_id=launch.job_id,
            store=self.store,
            image=self.image_for(request),
            user=self._user(),
            directory=launch.directory,
            profile=specs.profile_of(request),
            network=specs.network_of(request, self._settings),
            limits=specs.limits_of(request, self._settings),
            shared=self.shared,
            resumed=launch.resumed,
            is_far=self.is_far,
        )

    def _check_packages(self, launch: Launch, name: str) -> None:
        """Refuse nodes of NodeTool's packages that the image is known not to have."""
        image = self._image(name)
        if launch.plan is None or image is None:
            return
        packages = packages_of(node.spec for node in launch.plan.nodes)
        missing = missing_in(image, packages)
        if missing:
            types = ", ".join(sorted({each for package in missing for each in packages[package]})[:SHOWN])
            raise DockerError(
                f"the image {name} doesn't have {', '.join(missing)}, which the nodes {types} need",
                hint=how_to_add(packages),
                code=ErrorCode.IMAGE_INVALID,
            )

    def _check_nearness(self, spec: ContainerSpec) -> None:
        """Find out whether the engine sees this machine's files; once it has or has not, that stays so."""
        if self._is_near or self.is_far:
            return
        try:
            check_nearness(self.engine, spec)
            self._is_near = True
        except NotSeen:
            self.is_far = True
        except NoSuchImage:  # its job pulls it first
            pass

    def _check_resumed(self, directory: Path | None, spec: ContainerSpec) -> None:
        if directory is None or spec.is_far:
            return
        if directory.stat().st_uid != spec.user.uid:
            raise OptionError(
                "results of a job of another strategy, or user, can't be read in a container",
                hint="resume it with the strategy that it ran with",
            )

    def profile_of(self, request: RunJobRequest) -> specs.Profile:
        """The profile that a request is run with."""
        return specs.profile_of(request)

    def _user(self) -> User:
        return specs.user_of(self._settings, os.geteuid(), os.getegid())

    def give_folder(self, folder: Path, user: User) -> None:
        """Have a run directory belong to the job's user, before anything of that user's has run."""
        if os.geteuid() == user.uid:
            return
        # The folder first: what is written there meanwhile goes to whom it belongs.
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                self.give_folder(path, user)
            else:
                os.chown(path, user.uid, user.gid, follow_symlinks=False)

    def make(self, spec: ContainerSpec, unless_cancelled: Callable[[], None]) -> str:
        """Make a container: anew, where a kernel that was killed had made it but run nothing in it. Gives its
        id; raises DockerError, and what ``unless_cancelled`` raises.
        """
        self.pull_if_always(spec.image)
        try:
            return self._make(spec, unless_cancelled)
        except NoSuchImage:
            self.pull(spec.image)
            unless_cancelled()
            return self._make(spec, unless_cancelled)

    def _make(self, spec: ContainerSpec, unless_cancelled: Callable[[], None]) -> str:
        config, deadline = spec.to_config(), time.monotonic() + TAKEN
        if spec.is_far:
            self.engine.make_volume(spec.name, spec.labels)
        while True:
            try:
                return self.engine.create(spec.name, config)
            except NameTaken:
                # One that the engine is still making has a name, but can't be removed yet.
                if time.monotonic() > deadline:
                    raise
                self.engine.remove(spec.name)
                threading.Event().wait(LULL)
                unless_cancelled()

    def take_idle(self, spec: ContainerSpec) -> Idle | None:
        """A container that was started ahead and is just what the job needs."""
        image = self._image(spec.image) if self.prewarmed.size and not spec.is_far else None
        return None if image is None else self.prewarmed.take(spec, image.id)

    def rename(self, container: str, name: str) -> None:
        """Have a container that a job has taken be found under the job's name."""
        with suppress(DockerError):  # the job runs; without its name only its leftovers are found later
            self.engine.rename(container, name)

    def give_up(self, execution: DockerJobExecution, error: Exception) -> None:
        """Tell the end of a job whose run directory can't be written to."""
        lines: list[bytes] = []
        with suppress(NodeToolError):
            lines, _ = execution.folder.reader().read()
        self._cannot_follow(execution, error, execution.launch.first_seq + len(lines))

    # --- afterwards -------------------------------------------------------------------------------

    def reap_once(self) -> None:
        """At the first job here: remove what kernels that were killed have left."""
        with self._lock:
            has_reaped, self._has_reaped = self._has_reaped, True
        if not has_reaped:
            self._reap()

    def _reap(self) -> None:
        try:
            self.prune()
        except NodeToolError:  # at the next job, or the next kernel
            self._has_reaped = False

    def prune(self, *, grace: float = REAP_GRACE, dry_run: bool = False) -> list[Reaped]:
        """Remove the containers of this store that nobody looks after."""
        return reap(self.engine, self.store, time.time(), grace=grace, dry_run=dry_run)

    def remove_leftovers(self, *, dry_run: bool = False) -> list[str]:
        """See Strategy.remove_leftovers; without an engine there are none that could be removed."""
        try:
            return [f"container {each.name} ({each.status})" for each in self.prune(dry_run=dry_run)]
        except DockerError:
            return []

    def close(self, grace: float) -> None:
        """Let the jobs go on, and follow them no more."""
        self.is_closed = True
        self.followers.close()
        for idle in self.prewarmed.close():
            self.berths.enter(partial(idle.discard, self.engine), is_running=True)
        self.berths.enter(partial(self.prewarmed.join, REMOVAL), is_running=True)
        if self._has_reaped:  # what had ended, and was not gone yet, when its kernel was killed
            self.berths.enter(self._reap, is_running=True)
        self.berths.close(max(grace, REMOVAL))
        self.changes.close()
        self.engine.close()
