"""The table of commands: help, parsing and dispatch are made from it. It imports nothing that is heavy."""

from __future__ import annotations

from dataclasses import dataclass

PROGRAM = "nodetool-jupyter"


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of a command. Without a ``metavar`` it is a switch."""

    name: str
    help: str
    metavar: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table. ``argument`` is as the help shows it: ``FILE``, or ``[ID]`` that may be missing.

    ``home`` is where its function is, ``module:name`` in this room, imported when the command is given.
    """

    name: str
    help: str
    home: str
    argument: str = ""
    flags: tuple[Flag, ...] = ()
    takes_options: bool = False
    """Whether it has the options of a cell, too."""

    @property
    def usage(self) -> str:
        """``logs [ID] [options]``"""
        has_options = self.flags or self.takes_options
        return " ".join(filter(None, (self.name, self.argument, "[options]" if has_options else "")))


JSON = Flag("--json", "as JSON, for programs")
COMMANDS: tuple[Command, ...] = (
    Command(
        "run",
        "run a workflow file, show its progress and print its result",
        "run:run",
        "FILE",
        (
            Flag("--json", "print the result as JSON, whatever it is"),
            Flag("--jsonl", "print the job's messages as they come, a line of JSON each, and nothing else"),
        ),
        takes_options=True,
    ),
    Command(
        "jobs",
        "the newest jobs",
        "jobs:show_jobs",
        flags=(Flag("--all", "all of them"), Flag("--status", "only those", "STATUS"), JSON),
    ),
    Command("status", "how a job stands", "jobs:show_status", "[ID]"),
    Command(
        "logs",
        "what a job's nodes printed",
        "jobs:show_logs",
        "[ID]",
        (Flag("--node", "of one node", "NODE"), Flag("--follow", "go on until the job ends")),
    ),
    Command("cancel", "end a job, whichever process runs it", "jobs:cancel", "ID"),
    Command(
        "result",
        "a job's result, once it has ended",
        "jobs:give_result",
        "[ID]",
        (Flag("--json", "print it as JSON, whatever it is"),),
    ),
    Command(
        "image",
        "the images that jobs in containers run in: build, list or prune",
        "images:manage_images",
        "ACTION",
        (
            Flag("--base", "the image to build upon", "IMAGE"),
            Flag("--requirements", "what else to install", "FILE"),
            Flag("--tag", "how to call it", "NAME"),
            Flag("--dry-run", "only show what prune would remove"),
        ),
    ),
    Command("config", "each setting and where it came from", "setup:show_config"),
    Command("doctor", "what works here; its exit code is 1 if something doesn't", "setup:show_doctor"),
)
BY_NAME = {command.name: command for command in COMMANDS}
EXIT_CODES = (
    (0, "completed"),
    (1, "failed"),
    (2, "not started: wrong usage, or a workflow that can't run"),
    (130, "cancelled"),
)


def overview() -> str:
    """The help of the program."""
    rows = [(command.usage, command.help) for command in COMMANDS]
    width = max(len(usage) for usage, _ in rows) + 2
    return "\n".join(
        [
            f"{PROGRAM} COMMAND …",
            "",
            "Run NodeTool workflows, and look after their jobs.",
            "",
            *(f"  {usage:<{width}}{text}" for usage, text in rows),
            "",
            "An ID may be a unique beginning of it, a job's name, or last.",
            f"{PROGRAM} COMMAND --help shows the options of a command; {PROGRAM} --version the version.",
            "Exit codes: " + ", ".join(f"{code} {text}" for code, text in EXIT_CODES) + ".",
        ]
    )
