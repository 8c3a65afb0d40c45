"""The one error tree of this package.

ManifestsError
└── Invalid            what a person wrote cannot be accepted; says where, what, and what would be
    ├── SdlInvalid     ... in an SDL file, with line and column where YAML gives them
    ├── ManifestInvalid ... in a manifest, in itself or against its group on chain
    └── PlanInvalid    ... in what the provider has planned for a lease, which is not its tenant's matter
"""

from __future__ import annotations


class ManifestsError(Exception):
    """Root of what this package raises."""


class Invalid(ManifestsError):
    """Refused input. `path` names the place (`services.web.expose[0].port`; empty when there is none), `message` says
    what is wrong and what is allowed, `value` is what was found, `line` and `column` count from 1."""

    def __init__(
        self, path: str, message: str, *, value: object = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.path = path
        self.message = message
        self.value = value
        self.line = line
        self.column = column
        super().__init__(f"{path}: {message}" if path else message)


class SdlInvalid(Invalid):
    pass


class ManifestInvalid(Invalid):
    pass


class PlanInvalid(Invalid):
    pass
