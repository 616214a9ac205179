"""The gateware: an event-driven crossbar inference engine in Amaranth."""
