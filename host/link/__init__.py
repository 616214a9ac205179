"""The host's end of the link: frames, sessions, identities and payloads."""
