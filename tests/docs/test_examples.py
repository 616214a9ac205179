"""Examples in documents and docstrings run, and give the results that they state."""

import ast
import csv
import dataclasses
import doctest
import json
import re
import subprocess
import sys
from importlib import import_module

import pytest

import allspin
from allspin.host.data.catalogue import device_path
from allspin.sim.errors import VARIABLE
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.random_network import random_network
from tests.docs.documents import DOCS, FENCE, ROOT, blocks, python, read

pytestmark = pytest.mark.long

SOURCES = [
    path.relative_to(ROOT)
    for layer in ("sim", "hdl", "boards", "host")
    for path in sorted((ROOT / layer).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_an_example_of_a_docstring_gives_the_stated_result(source):
    module = import_module(".".join(("allspin", *source.with_suffix("").parts)))
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed


ELSEWHERE = {
    "Neuron",
    "NeuronGateware",
    "Response",
    "Synapse",
    "register_gateware",
    "register_neuron",
    "register_response",
    "register_synapse",
}
"""Names whose examples are in docs/extending.md."""


def test_each_public_name_has_an_example_and_they_run(tmp_path):
    text, extending = read("python.md"), read("extending.md")
    code = "".join(blocks(text, "python"))
    used = {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "allspin"
    }
    assert used == set(allspin.__all__) - ELSEWHERE - {"UserError"}
    assert all(name in extending for name in ELSEWHERE)
    assert "`allspin.UserError`" in text
    done = python(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    # These results do not depend on this machine's speed.
    assert {"True", "[]"} <= set(done.stdout.splitlines())
    assert re.findall(r"'logits_compared': \d+, 'mismatches': (\d+)", done.stdout) == ["0", "0"]
    names = {"small.safetensors", "c2c.csv", "mine.toml", "report.html", "pulses.csv"}
    assert {path.name for path in tmp_path.iterdir()} >= names


@pytest.fixture
def extended(tmp_path):
    """Run a command in a folder that has the classes of docs/extending.md in a file."""
    (tmp_path / "mine.py").write_text("\n".join(blocks(read("extending.md"), "python")))

    def run(words):
        done = python(tmp_path, "-m", "allspin", *words.split(), **{VARIABLE: "mine.py"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_train_run_and_sweep_know_classes_of_one_s_own(extended, tmp_path):
    words = "train --neuron clipped --hidden 3 --epochs 1 --quick -o clipped --json"
    assert json.loads(extended(words))["network"] == "clipped"
    # A process without the class refuses the network.
    with pytest.raises(Exception, match="not 'clipped'"):
        load_network(tmp_path / "clipped")
    network = random_network((784, 4, 10), 1)
    save_network(dataclasses.replace(network, image_shape=(28, 28)), tmp_path / "net")
    text = device_path("paper").read_text(encoding="utf-8")
    text = text.replace('kind = "sot"', 'kind = "power"')
    (tmp_path / "mine.toml").write_text(re.sub(r"\nA = \S+", "\nexponent = 1.5", text))
    device = "--device mine.toml --program pulse-width --images 20"
    share = json.loads(extended(f"run net {device} --chip 1 --json"))["accuracy"]
    # A sweep's workers are other processes.
    extended(f"sweep --network net {device} --chips 2 --chip 1 --jobs 2 -o swept.csv")
    first, *_ = csv.DictReader((tmp_path / "swept.csv").open(encoding="utf-8"))
    assert float(first["accuracy"]) == share


def test_the_test_that_is_shown_passes_and_fails_when_it_should(tmp_path):
    (example,) = blocks(read("testing.md"), "python")
    # An image that was not sent: its logits are expected in vain.
    end = "    await bench.finish()"
    wrong = example.replace(end, f"    bench.logits.expect((1, 0, None))\n{end}")
    assert wrong != example
    for text, said in (
        (example, ["1 passed"]),
        (wrong, ["failed: images_in_a_storm_of_stalls", "1 logits did not come"]),
    ):
        (tmp_path / "test_mine.py").write_text(text)
        done = python(tmp_path, *["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"])
        assert done.returncode == (text == wrong), done.stdout
        assert all(words in done.stdout for words in said)


def test_the_client_of_a_virtual_board_gets_an_answer(tmp_path):
    client = blocks(read("virtual-board.md"), "python")[0]
    save_network(random_network((24, 12, 6), 1), tmp_path / "net.safetensors")
    command = [sys.executable, "-m", "allspin", "virtual", "net.safetensors", "--link", "board"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("/dev/")
        done = python(tmp_path, "-c", client)
    finally:
        running.terminate()
        running.communicate()
    assert (done.stdout, done.stderr) == ("b'ASPN' version 3 layers 2\n", "")
    assert running.returncode == 0


SHOW = '''
def _show(value):
    """As a notebook does."""
    if value is not None:
        for name in ("_repr_html_", "_repr_png_"):
            if hasattr(value, name):
                print(name, len(getattr(value, name)()))
                return
        print(repr(value))
'''
SAID = {
    "device": ["_repr_html_"] * 6,
    "network": ["_repr_html_"] * 4,
    "neuron": ["_repr_html_"] * 3,
    "paper": ["_repr_png_"] * 10,
}
"""Representations by which values show themselves in each notebook, in order."""


def test_every_notebook_is_run():
    assert {path.stem for path in (DOCS / "notebooks").glob("*.md")} == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_a_notebook_runs_and_a_cell_s_last_value_shows_itself(name, tmp_path):
    text = read(f"notebooks/{name}.md")
    assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n")
    cells = [body for _, kind, body in FENCE.findall(text) if kind == "{code-cell} ipython3"]
    assert len(cells) == text.count("```{code-cell}") > 4
    parts = [SHOW]
    for cell in cells:
        code = re.sub(r"\A(:[^\n]*\n)*", "", cell)
        tree = ast.parse(code)
        if isinstance(tree.body[-1], ast.Expr):
            *others, last = tree.body
            code = f"{ast.unparse(ast.Module(others, []))}\n_show({ast.unparse(last)})"
        parts.append(code)
    # Workers are other processes, which import this.
    body = re.sub("^", "    ", "\n".join(parts), flags=re.MULTILINE)
    (tmp_path / "notebook.py").write_text(f"if __name__ == '__main__':\n{body}\n")
    done = python(tmp_path, "notebook.py", MPLBACKEND="agg")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(_repr_\w+_) [1-9]", done.stdout, re.MULTILINE) == SAID[name]
