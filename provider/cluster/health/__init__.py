"""How leases fare: read from their workloads, told apart by who can mend it, and put into a tenant's words."""
