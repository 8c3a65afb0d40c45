"""What is added to the rates and taken from them, each as a line of its own, in this order:

    auto-pricing       the factor of the cpu (and the memory beside it) and of each card
    attributes         a factor for each placement attribute that the order demands and the file names
    signedBy           one factor, the highest of the auditors that the order names
    the tenant's       discount or markup
    reclamation        per hour of the notice that is promised
    the minimum        of a lease

Each works on everything above it. All are lines in percent but the last two, and all together are the price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from bidengine.placement import Placement
from bidengine.quote import PriceLine, share_line, total
from bidengine.reasons import Decline
from bidengine.tariff.lines import Rated, line_of, rated
from bidengine.tariff.terms import Tariff
from manifests.coins import E18
from manifests.resources import GroupSpec


def lines(
    spec: GroupSpec,
    placement: Placement,
    tariff: Tariff,
    *,
    factors_e18: Mapping[str, int] | None = None,
    reclamation_window_s: int = 0,
) -> tuple[PriceLine, ...] | Decline:
    """What the price is made of, in dollars a month; `tariff` is the one for this tenant."""
    base = rated(spec, placement, tariff)
    if isinstance(base, Decline):
        return base
    found = [item.line for item in base]
    found += _auto(base, factors_e18 or {})
    for what, share_e18 in _shares(spec, tariff):
        found.append(share_line(what, Fraction(share_e18, E18), total(tuple(found))))
    found += _reclamation(tariff, reclamation_window_s, total(tuple(found)))
    rest = Fraction(tariff.minimum_usd_e18, E18) - total(tuple(found))
    if rest > 0:
        found.append(PriceLine("up to the minimum of a lease", Fraction(1), "lease", tariff.minimum_usd_e18, rest))
    return tuple(found)


def _auto(base: tuple[Rated, ...], factors_e18: Mapping[str, int]) -> Iterator[PriceLine]:
    for subject in dict.fromkeys(item.subject for item in base):
        factor_e18 = factors_e18.get(subject, E18)
        if subject and factor_e18 != E18:
            of = total(tuple(item.line for item in base if item.subject == subject))
            yield share_line(f"auto-pricing of {subject}", Fraction(factor_e18 - E18, E18), of)


def _shares(spec: GroupSpec, tariff: Tariff) -> Iterator[tuple[str, int]]:
    for a in dict.fromkeys(spec.requirements.attributes):
        factor_e18 = tariff.attributes.get((a.key, a.value))
        if factor_e18 is not None:
            yield f"attribute {a.key}={a.value}", factor_e18 - E18
    signed = spec.requirements.signed_by
    named = [who for who in (*signed.all_of, *signed.any_of) if who in tariff.signed_by]
    if (signed.all_of or signed.any_of) and "*" in tariff.signed_by:
        named.append("*")
    if named:
        who = max(named, key=lambda w: tariff.signed_by[w])
        yield f"audited by {'any auditor' if who == '*' else who}", tariff.signed_by[who] - E18
    if tariff.change_e18:
        yield "discount of the tenant" if tariff.change_e18 < 0 else "markup of the tenant", tariff.change_e18


def _reclamation(tariff: Tariff, window_s: int, of: Fraction) -> Iterator[PriceLine]:
    hours, terms = Fraction(window_s, 3600), tariff.reclamation
    if window_s and terms.share_e18:
        yield share_line(f"notice of {float(hours):g} h", hours * Fraction(terms.share_e18, E18), of)
    if window_s and terms.usd_e18:
        yield line_of("notice", hours, "hour", terms.usd_e18)
