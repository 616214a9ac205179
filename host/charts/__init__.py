"""Charts: functions that draw results, devices and networks with Matplotlib."""
