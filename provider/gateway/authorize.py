"""What claims open: the matrix of gateway-auth.md §4 as one function. Pure.

Stricter than the reference where its tokens promise more than it keeps: `services` of a granular token is enforced.
"""

from __future__ import annotations

from provider.gateway.claims import Access, Claims, DeploymentGrant, Scope


class Unauthorized(Exception):
    """The caller gets 401 "unauthorized access"; the text says why, for our log."""


def authorize(
    claims: Claims, provider: str, scope: Scope, dseq: int | None = None, gseq: int = 0, oseq: int = 0
) -> frozenset[str] | None:
    """May the caller do `scope` here, to this deployment or lease of theirs? Unauthorized when not.

    `provider` is our own address. gseq and oseq are 0 for what concerns a deployment as a whole. Returns the services
    the caller is limited to, None for all of them.
    """
    if claims.access is Access.NONE:
        raise Unauthorized("nobody is logged in")
    if claims.access is Access.FULL:
        return None
    if claims.access is Access.SCOPED:
        _need(scope, claims.scope)
        return None
    permission = next((p for p in claims.permissions if p.provider == provider), None)
    if permission is None:
        raise Unauthorized("the token is not for this provider")
    if permission.access is Access.FULL:
        return None
    if permission.access is Access.SCOPED:
        _need(scope, permission.scope)
        return None
    if dseq is None:
        raise Unauthorized("the token is for single deployments")
    grants = [g for g in permission.deployments if _covers(g, dseq, gseq, oseq) and scope in g.scope]
    if not grants:
        raise Unauthorized(f"the token does not allow {scope} of {dseq}/{gseq}/{oseq}")
    return frozenset().union(*(g.services for g in grants))


def _need(scope: Scope, allowed: frozenset[Scope]) -> None:
    if scope not in allowed:
        raise Unauthorized(f"the token does not allow {scope}")


def _covers(grant: DeploymentGrant, dseq: int, gseq: int, oseq: int) -> bool:
    return (
        grant.dseq == dseq
        and (gseq in (grant.gseq, 0) or grant.gseq == 0)
        and (oseq in (grant.oseq, 0) or grant.oseq == 0)
    )
