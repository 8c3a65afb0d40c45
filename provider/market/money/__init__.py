"""What leases bring and cost: collected, booked, compared with the chain, and sent on."""
