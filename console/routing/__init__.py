"""Where calls go: routing documents by version, prompts, and how they are brought to the phone (docs/routing.md)."""
