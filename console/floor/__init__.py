"""The floor at a glance: who is free, who talks, who waits."""
