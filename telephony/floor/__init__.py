"""The floor: the agents, their states and what each may do next."""
