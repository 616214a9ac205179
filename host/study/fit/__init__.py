"""From measured curves to a device: reading, fitting, judging."""
