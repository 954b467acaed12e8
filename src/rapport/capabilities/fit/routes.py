"""`GET /api/v1/products/{id}/fit`: whether this item would be kept, and in which size."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from rapport.capabilities.fit.model import FitShown
from rapport.capabilities.fit.service import fit_of
from rapport.decide.asked import customer_named
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.gate import PERSONALISATION
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]


@get("/products/{product_id:str}/fit", permission="fit:read", door="asks", tags=["catalogue"], sync_to_thread=True)
def get_fit(
    db: Database,
    principal: Principal,
    decider: Decider,
    product_id: Annotated[str, Parameter(max_length=120)],
    customer: Annotated[
        str, Parameter(max_length=250, description="`namespace:value`, `cus_…` or an e-mail address; empty: anybody.")
    ] = "",
    variant: Annotated[str, Parameter(max_length=120, description="The size that is looked at.")] = "",
) -> FitShown:
    """How likely a piece comes back, of anybody or of a customer, and which size they would keep.

    By the shop's own returns: what too little is known of is `unknown`, with the reason. Personal only where the
    customer allows personalisation.
    """
    principal.purpose_for(PERSONALISATION)
    now = now_us()
    with db.read() as conn:
        named = customer_named(customer)
        strands = decider.strands_of(conn, principal.workspace, named, now=now) if named else None
        return fit_of(conn, principal.workspace, product_id, strands=strands, now=now, variant=variant)


ROUTES = (get_fit,)
