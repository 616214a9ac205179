"""Print the score of a small network on a virtual board whose UART has an inexact clock."""

import json

import allspin

uart = allspin.UartOptions(baud=1_000_000, clock_error=1, frequency=12_000_000)
machine = allspin.MachineOptions("virtual", uart=uart)
score = allspin.run(
    "small.safetensors", machine, allspin.RunOptions(check=True), images=20, data="set.npz"
)
print(json.dumps(score.to_dict()))
