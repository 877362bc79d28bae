"""A kind of contract that import-linter has not: it holds while rooms are missing and packages unused."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyIn(Contract):
    """Packages from outside that only some rooms may import, directly."""

    type_name = "only_in"

    packages = fields.SetField(subfield=fields.StringField())
    rooms = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        illegal = [
            (importer, package)
            for package in sorted(self.packages & graph.modules)
            for importer in sorted(graph.find_modules_that_directly_import(package))
            if not any(f"{importer}.".startswith(f"{room}.") for room in self.rooms)
        ]
        return ContractCheck(kept=not illegal, metadata={"illegal": illegal})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, package in check.metadata["illegal"]:
            output.print_error(f"{importer} imports {package}", bold=False)
