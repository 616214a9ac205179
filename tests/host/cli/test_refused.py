"""Mistakes that a user can mend, in every command: one line, exit status 2, and no file."""

import numpy as np
import pytest
from PIL import Image

from allspin.host.machines import opening
from allspin.sim.network.netfile import save_network
from tests.host.cli.conftest import NETWORK

REFUSED = {
    "": [
        ("run paper-10 --missing 0.1", "--measured"),
        ("run paper-10 --measured no.csv", "cannot read CSV file no.csv: No such file"),
        ("run paper-10 --measured no.csv --missing 2", "--missing must be a number from 0 to 1"),
        ("run paper-10 --measured no.csv --program open-loop", "--measured"),
        ("run paper-10 --measured no.csv --calibrate", "--calibrate"),
        ("run paper-10 --measured no.csv --chip -1", "chip seed must be from 0 to 4294967295"),
        ("chips paper-10 --missing 0.1", "--missing needs --measured"),
        ("chips paper-10 --measured no.csv", "cannot read CSV file no.csv: No such file"),
        ("chips paper-10 --measured no.csv --missing -1", "--missing must be a number from 0 to 1"),
        ("chips paper-10 paper-100 --measured no.csv", "--measured cells are those of one network"),
        ("run none.safetensors", "there is no network"),
        ("train -o x --conv 5x5", "--conv"),
        ("learn -o x --conv 3x3x4", "--conv"),
        ("run net --data /nowhere", "cannot read the data folder /nowhere"),
        ("sim net --data no-such-folder", "no-such-folder"),
        ("boards --fits net --write README.md", "--write does not go with --fits"),
        ("boards --fits net --network mnist-100", "--network does not go with --fits"),
        ("boards --collect new --network mnist-100", "--network does not go with --collect"),
        ("run net --data data --resident", "--resident is for --on virtual or a board"),
        ("run net --data data --on virtual --keep-states --chip 1", "cannot keep states"),
        ("run net --image one.png", "the network takes lists of 24 values, and no images"),
        ("run mnist-10 --images 10 --style paper", "--style needs --picture"),
        ("sweep --network paper-10 -o t.csv --style paper", "--style needs --pictures"),
        ("fit pulses.csv --explain --style paper", "--style needs --output"),
        ("compare paper-10 --json --style paper", "--style with --json needs --output"),
        ("run mnist-10 --latency", "--latency needs --on virtual"),
        ("run mnist-10 --on virtual --latency --check", "--check does not go with --latency"),
        ("run mnist-10 --on virtual --latency --images 0", "--images must be from 1"),
        ("fit pulses.csv -o /dev/null", "/dev/null: it is a device or a pipe; give a file"),
        ("train --data none -o x", "cannot read the data folder none"),
        ("train --recipe recipe.toml -o recipe.toml", "recipe.toml is read, and would be lost"),
        ("compare no-such-network --accuracy 101", "--accuracy must be a number"),
        ("info --baud 1", "--baud must be from 9600 to 12000000, not 1"),
        ("sim net", "the network takes images of 1 x 24 pixels"),
        ("demo -o README.md", "cannot write into the folder"),
        ("sim net --simulator modelsim", "--simulator"),
    ],
    "run net --data data": [
        ("--images 0", "--images must be from 1 to 60, not 0"),
        ("--images 61", "--images must be from 1 to 60, not 61"),
        ("--lanes 0", "--lanes must be from 1 to 65535, not 0"),
        ("--baud 9600", "--baud is for a serial port, or --on virtual"),
        ("--on x --baud 1", "--baud must be from 9600 to 12000000, not 1"),
        ("--on /dev/nowhere", "cannot open the serial port /dev/nowhere at 3000000 baud"),
        ("--on virtual --baud 9000000", "a clock of 12000000 Hz makes no rate"),
        ("--logits /nowhere/out.npy", "cannot write /nowhere/out.npy: No such file"),
    ],
    "run mnist-10": [
        ("--image none.png", "cannot read picture none.png: No such file or directory; check"),
        ("--image README.md", "README.md is no image that can be read: only PNG, JPEG"),
        ("--image one.png --images 3", "--images does not go with --image"),
        ("--image one.png --data x", "--data is for test images, and --image takes their place"),
        ("--image one.png --tiles 64:4 --data x", "cannot read the data folder x"),
        ("--image one.png --on virtual --resident", "--resident does not go with --image"),
        ("--image one.png --framing no", "--framing must be one of mnist, whole, not 'no'"),
        ("--framing mnist", "--framing needs --image"),
        ("--program open-loop", "--chip"),
        ("--device paper", "--chip"),
        ("--calibrate", "--chip"),
        ("--chip 1 --program blind", "must be one of open-loop, pulse-width, write-verify"),
        ("--chip -1", "chip seed must be from 0 to 4294967295, not -1"),
        ("--chip 1 --device nowhere.toml", "there is no device 'nowhere.toml'"),
    ],
    "chips mnist-10": [
        ("--chips 0", "--chips must be from 1 to 10000, not 0"),
        ("--chip -1", "--chip must be from 0 to"),
        ("--images 0", "--images must be from 1 to 10000, not 0"),
        ("--device nothing", "there is no device 'nothing'"),
    ],
    "train -o x": [
        ("--device nothing", "there is no device 'nothing'"),
    ],
    "train --data data -o x": [
        ("--states 1", "states must be from 2 to 128, not 1"),
        ("--robust usual", "--robust needs --device"),
        ("--robust", "--robust"),
        ("--states ten", "--states"),
        ("--hidden 100,", "--hidden"),
        ("--hidden 0", "hidden must be from 1 to 65535, not 0"),
        ("--neuron tanh", "relu, sot, stochastic, not 'tanh'"),
        ("--pixel-bits 9", "--pixel-bits must be from 1 to 8, not 9"),
        ("--hidden-bits 0", "--hidden-bits must be from 1 to 8, not 0"),
        ("--noise 2", "--noise must be a number from 0 to 0.5, not 2.0"),
        ("--epochs 0", "epochs must be from 1 to 10000, not 0"),
        ("--seed -1", "seed must be from 0 to 4294967295, not -1"),
        (
            "--augment letters",
            "augment must be one of none, digits, gentle, objects, not 'letters'",
        ),
        ("--rate 0", "rate must be a number from 1e-06 to 1, not 0.0"),
        ("--recipe none.toml", "cannot read recipe none.toml: No such file"),
    ],
    "import": [
        ("model.npz --data data -o model.npz", "--output model.npz is read, and would be lost"),
        ("net.pt --data data -o x", "torch.load('net.pt', weights_only=True), 'net.safetensors')"),
    ],
    "import model.npz --data data -o x": [
        ("--pixel-bits 9", "--pixel-bits must be from 1 to 8, not 9"),
        ("--tune -1", "--tune must be from 0 to 10000, not -1"),
        ("--scale 0", "--scale must be a number from 1e-12 to 1e+12, not 0.0"),
        ("--states 1", "--states must be from 2 to 128, not 1"),
    ],
    "sweep": [
        ("-o t.csv", "a sweep needs networks"),
        ("--network mnist-10 -o t.parquet", "give -o a name that ends in .csv"),
        ("--network mnist-10 -o none/t.csv", "cannot write none/t.csv"),
        ("--network mnist-10 --jobs 0 -o t.csv", "--jobs must be from 1 to 1024"),
        (
            "--network mnist-10 --jobs 2 --scheduler tcp://a:1 -o t.csv",
            "--jobs does not go with --scheduler",
        ),
        ("--network mnist-10 --c2c '' -o t.csv", "--c2c has no value"),
        ("--network mnist-10 --c2c a -o t.csv", "--c2c must be a number"),
        ("no.toml -o t.csv", "cannot read grid no.toml"),
        ("--network mnist-10 -o /dev/null", "/dev/null: it is a device or a pipe"),
        ("--network mnist-10 --images 9 --on auto -o t.csv", "no board answers"),
        ("--network mnist-10 --images 9 --on /dev/no -o t.csv", "cannot open the serial port"),
    ],
    "export net": [
        ("--verilog out.vhd", "cannot write out.vhd: name it .v for Verilog or .sv"),
        ("--verilog no/such/out.v", "no/such/out.v: No such file or directory"),
        ("--verilog out.v --lanes 0", "lanes must be from 1 to 65535, not 0"),
        ("--verilog taken.v", "cannot write taken.v: it is a folder"),
        ("--verilog blocked.v", "cannot write blocked.mem: it is a folder"),
        ("", "--verilog"),
        ("--verilog out.v --rows 2", "--rows needs --spice"),
        ("--verilog out.v --device paper", "--device needs --spice or --chip"),
        ("--spice out.cir --chip 7", "--chip needs --cells"),
        ("--verilog out.v --program open-loop", "--program needs --chip"),
        ("--cells c.csv", "--cells needs --chip"),
        ("--cells c.txt --chip 7", "cannot write c.txt: name it .csv for text or .npz"),
        ("--cells c.csv --chip 7 --rows 2", "--rows needs --spice"),
        ("--cells no/such/c.csv --chip 7", "no/such/c.csv: No such file or directory"),
        ("--cells c.csv --chip -1", "chip seed must be from 0 to 4294967295, not -1"),
        ("--spice out.cir --lanes 2", "--lanes needs --verilog"),
        ("--onnx out.onnx --lanes 2", "--lanes needs --verilog"),
        ("--onnx out.onnx --rows 2", "--rows needs --spice"),
        ("--onnx no/such/out.onnx", "no/such/out.onnx: No such file or directory"),
        ("--spice out.cir --rows 25", "--rows must be from 1 to 24, not 25"),
        ("--spice out.cir --layer 2", "--layer must be from 0 to 1, not 2"),
        ("--spice out.cir --device domain-wall", "domain-wall"),
        ("--spice taken.v", "cannot write taken.v: it is a folder"),
    ],
    "sim net --data data": [
        ("--images 0", "--images must be from 1 to 60, not 0"),
        ("--images 61", "--images must be from 1 to 60, not 61"),
        ("--lanes 0", "lanes must be from 1 to 65535, not 0"),
        ("--waves out.vcd", "--waves must be FST: name the file out.fst, not out.vcd"),
        ("--waves no/such/out.fst", "cannot write no/such/out.fst: No such file or directory"),
    ],
    "build": [
        ("nonesuch", "there is no board 'nonesuch'"),
        ("icebreaker --profile big", "--profile"),
        ("icebreaker:big", "icebreaker has no profile 'big'"),
        ("icebreaker --seeds 0", "--seeds must be from 1 to 100, not 0"),
        ("icebreaker --lanes 0", "--lanes must be from 1 to 65535, not 0"),
        ("icebreaker --rows-per-clock 3", "--rows-per-clock must be one of 1, 2, 4"),
        ("icebreaker --frequency 3", "frequency in MHz must be a number from 16 to 275, not 3.0"),
        ("ulx3s-85f --frequency 48e6", "from 1e-06 to 4294.97, not 48000000.0"),
        ("icebreaker --frequency 20", "1 % of 6000000 baud; the nearest that works is 4968750"),
        ("icebreaker --baud 9000000", "--baud 9000000: a clock of 30750000 Hz makes no rate"),
        ("icebreaker --link usb", "--link usb: icebreaker has no USB port at its FPGA"),
        ("icebreaker --frequency nan", "--frequency nan: cannot convert"),
        ("all -o x.bin", "--output is for one board"),
        ("icebreaker --network none.safetensors", "there is no network"),
    ],
    "compare mnist-10 --json": [
        ("--images 1", "--images must be from 2 to 10000, not 1"),
        ("--images 10001", "--images must be from 2 to 10000, not 10001"),
        ("--frequency 0", "--frequency must be from 1 to 10000 MHz, not 0"),
        ("--periphery amplifier,fan", "--periphery takes none or amplifier, converter, adc"),
        ("--liberty none.lib", "cannot read library none.lib: No such file or directory"),
        ("--device none", "there is no device 'none'"),
        ("--with none", "there is no network 'none'"),
        ("-o /dev/null/x", "cannot write into the folder /dev/null/x"),
    ],
    "report": [
        ("nowhere", "there is no network 'nowhere'"),
        ("mnist-10 --device nothing", "there is no device 'nothing'"),
        ("mnist-10 --chips 0", "--chips must be from 1 to 1000, not 0"),
        ("mnist-10 --images 10001", "--images must be from 1 to 10000, not 10001"),
        ("mnist-10 -o no/such/folder/page.html", "cannot write no/such/folder/page.html"),
        ("mnist-10 --data no-folder", "no-folder"),
    ],
    "selftest": [
        ("--on golden", "golden is the reference of a self-test"),
        ("--on virtul", "did you mean virtual?"),
        ("--chip-maker", "needs --on virtual"),
        ("--on virtual --rows-per-clock 3", "--rows-per-clock must be one of 1, 2, 4"),
        ("--baud 7", "--baud must be from 9600"),
        ("--seed -1", "--seed must be 0 or more"),
        ("no-such-net", "no-such-net"),
    ],
    "fit pulses.csv -o x": [
        ("--where current", "--where takes COLUMN=VALUE"),
        ("--where current=8", "no file has a column current; mend --where current=8"),
        ("--column ignore=x", "has no column x; mend --column ignore=x"),
        ("--states 500", "--states must be from 2 to 128, not 500"),
        ("--currents 5 2", "--currents takes a lower and a higher magnitude"),
        ("--base gold", "there is no device 'gold'"),
        ("--name '\n'", "--name must be a word or line of text"),
        ("--column pulse=shots", "has no column shots"),
    ],
    "virtual net": [
        ("--rows-per-clock 3", "--rows-per-clock must be"),
        ("--link '.'", "cannot make the link .: something else is there"),
        ("--link README.md", "cannot make the link README.md: something else is"),
        ("--link 'live'", "cannot make the link live: something else is"),
        ("--link 'lost'", "cannot make the link lost: something else is"),
        ("--link 'no/link'", "no/link: there is no folder no"),
    ],
    "gates": [
        ("nothing", "there is no board 'nothing'"),
        ("tang-nano-9k", "the cells of tang-nano-9k (Gowin) have no models: take one of"),
        ("--images 0", "--images must be from 1 to 10000, not 0"),
        ("ice40 --lanes 0", "--lanes must be from 1"),
        ("ice40:no", "has no profile"),
    ],
}

TILED = (
    "run mnist-10",
    "chips mnist-10",
    "compare mnist-10",
    "report mnist-10 -o x",
    "train -o x",
    "import model.npz -o x",
)
TILES = [
    ("--tiles 128:", "--tiles"),
    ("--tiles 100:4", "tile_rows must be a power of two from 8 to 65536, not 100"),
    ("--tiles 4:4", "tile_rows must be from 8 to 65536, not 4"),
    ("--tiles 128:25", "adc_bits must be from 2 to 24, not 25"),
]
REFUSED |= {command: REFUSED.get(command, []) + TILES for command in TILED}
COMMANDS = [
    (f"{begin} {more}".strip(), said) for begin, rows in REFUSED.items() for more, said in rows
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files that the commands name: a network, its data, curves, a picture, and obstacles."""
    folder = tmp_path_factory.mktemp("files")
    save_network(NETWORK, folder / "net")
    curve = "".join(f"{n},{np.exp(-n / 5):.4f}\n" for n in range(12))
    (folder / "pulses.csv").write_text(f"pulse,R_AH (ohm)\n{curve}")
    np.savez(folder / "model.npz", W0=np.eye(24, 6), b0=np.zeros(6))
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(folder / "one.png")
    (folder / "README.md").write_text("# allspin")
    (folder / "recipe.toml").write_text("states = 9")
    (folder / "taken.v").mkdir()
    (folder / "blocked.mem").mkdir()
    (folder / "live").symlink_to("README.md")
    (folder / "lost").symlink_to("nowhere")
    return folder


@pytest.mark.parametrize(("command", "said"), COMMANDS)
def test_one_line(command, said, files, idx_folder, cli, monkeypatch):
    monkeypatch.chdir(files)
    monkeypatch.setattr(opening, "serial_ports", list)
    monkeypatch.setattr(opening, "ask_ports", lambda baud: {})
    if not (files / "data").exists():
        idx_folder(shape=(1, 24), classes=6, train=900, test=60).rename(files / "data")
    before = sorted(files.iterdir())
    assert said in cli.refused(command)
    assert sorted(files.iterdir()) == before
