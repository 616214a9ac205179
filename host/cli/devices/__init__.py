"""Commands on devices and their chips: fit, measure, sweep."""
