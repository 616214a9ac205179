"""Operating points: at which current, width, field and temperature a device is taken."""
