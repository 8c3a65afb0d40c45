"""Random schedules of market life: a chain that follows its real rules, the whole daemon, tenants and a rival, faults
and kill -9, all in one process on a clock of their own. `python -m tests.provider.schedules --seed N` plays one."""
