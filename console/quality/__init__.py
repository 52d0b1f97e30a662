"""The quality desk: random audits of recorded calls (D93)."""
