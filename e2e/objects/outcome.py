"""What the comparison of a case found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from e2e.dryrun import DryRun, NotAccepted
from e2e.objects.case import Case, Key
from e2e.objects.compare import ABSENT, Difference, differences
from e2e.objects.differences import BEYOND, ROWS, Row, row_for


@dataclass(slots=True)
class Outcome:
    """`allowed` are differences on purpose, `others` all the rest, each with the source it was found against."""

    case: str
    objects: int
    refused: list[str] = field(default_factory=list)
    allowed: list[tuple[Row, Difference]] = field(default_factory=list)
    others: list[Difference] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.refused and not self.others

    def report(self, show: int) -> str:
        counted = f"{len(self.allowed)} differences on purpose, {len(self.others)} others"
        lines = [f"{self.case}: {self.objects} objects, {counted}, {len(self.refused)} refused by the API server"]
        lines += [f"  {no}" for no in self.refused[:show]]
        lines += [f"  {found}" for found in self.others[:show]]
        hidden = max(0, len(self.others) - show)
        return "\n".join([*lines, f"  … and {hidden} more"] if hidden else lines)


def compare(case: Case, server: DryRun) -> Outcome:
    """Ours, as the API server would keep them, beside theirs as it gave them back and as they sent them."""
    rendered = list(case.rendered())
    server.namespaces({obj["metadata"].get("namespace", case.site.manifest_namespace) for obj in rendered})
    ours: dict[Key, object] = {}
    out = Outcome(case.name, len(rendered))
    for obj, answer in zip(rendered, server.apply_all(rendered), strict=True):
        if isinstance(answer, NotAccepted):
            out.refused.append(str(answer))
        else:
            ours[obj["kind"], obj["metadata"]["name"]] = answer
    by_object: defaultdict[Key, list[Difference]] = defaultdict(list)
    for key in sorted({*ours, *case.objects, *case.sent}):
        mine = ours.get(key, ABSENT)
        found = differences(case.name, *key, case.objects.get(key, ABSENT), mine)
        by_object[key] += found
        # What is sent lacks the API server's defaults: there, only what is said can differ.
        said = differences(f"{case.name} (sent)", *key, case.sent.get(key, ABSENT), mine)
        by_object[key] += (d for d in said if d.theirs != ABSENT)
    for found_here in by_object.values():
        for difference in found_here:
            row = row_for(difference, found_here, (*ROWS, *BEYOND))
            if row is None:
                out.others.append(difference)
            else:
                out.allowed.append((row, difference))
    return out


def unused(outcomes: list[Outcome]) -> list[Row]:
    """Rows of the table that none of these cases needed."""
    needed = {id(row) for outcome in outcomes for row, _ in outcome.allowed}
    return [row for row in ROWS if id(row) not in needed]
