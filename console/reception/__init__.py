"""The agent's telephone: headset, state, and what is done with a call."""
