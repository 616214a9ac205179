"""One name: every module is imported as a part of allspin, from a checkout or an installation."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import allspin
from allspin.__main__ import main as start

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("sim", "hdl", "boards", "host")
KEPT = {"PATH", "HOME", "ALLSPIN_CACHE", "XDG_CACHE_HOME"}
"""Variables of the environment that other processes get: not those that say where Python looks."""
HEAVY = {"amaranth", "joblib", "matplotlib", "rich", "scipy"}
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={name: os.environ[name] for name in KEPT & set(os.environ)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_of_packages_is_whole():
    found = {
        ".".join(("allspin", *path.relative_to(ROOT).parent.parts))
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
    }
    listed = SETTINGS["setuptools"]["packages"]
    assert listed == sorted(found | {"allspin"})
    # A folder with Python files is a package.
    for package in found:
        assert (ROOT.joinpath(*package.split(".")[1:]) / "__init__.py").is_file(), package


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_no_other_name(layer, tmp_path):
    done = python(f"import {layer}", ROOT)
    assert done.stderr.endswith(f"ImportError: this is allspin.{layer}, not {layer}\n")
    # Python finds a checkout that is not installed.
    code = f"import allspin.{layer} as layer; print(layer.__file__)"
    done = python(code, tmp_path, PYTHONPATH=str(ROOT))
    assert done.stdout == f"{ROOT / layer / '__init__.py'}\n", done.stderr


@pytest.mark.parametrize(
    ("module", "layers"),
    [
        ("allspin", set()),
        ("allspin.sim", {"sim"}),
        ("allspin.sim.network.golden", {"sim"}),
        ("allspin.sim.array.in_array", {"sim"}),
        ("allspin.host", {"host"}),
    ],
)
def test_nothing_is_imported_besides(module, layers):
    code = (
        f"import {module}, sys\n"
        "print(*(name.split('.')[1] for name in sys.modules if name.startswith('allspin.')))\n"
        "print(*(name for name in sys.modules if '.' not in name))"
    )
    done = python(code, ROOT)
    ours, others = done.stdout.splitlines()
    assert set(ours.split()) == layers, done.stderr
    assert HEAVY & set(others.split()) == set()


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder with a wheel of this checkout installed, and no other package."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("allspin", *LAYERS):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *alone, "-w", folder, source], check=True)
    target = folder / "target"
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    return target


def test_a_wheel_has_one_name_and_all_that_is_in_the_layers(installed):
    names = {path.name for path in installed.iterdir()} - {"bin"}
    assert {re.sub(r"-[\d.]+(?=\.dist-info)", "", name) for name in names} == {
        "allspin",
        "allspin.dist-info",
    }
    package = installed / "allspin"
    for layer in LAYERS:
        # Type checkers may use the types of an installed layer.
        assert (package / layer / "py.typed").is_file()
        here, there = (
            {path.relative_to(root) for path in (root / layer).rglob("*.py")}
            for root in (ROOT, package)
        )
        assert here == there
    assert (package / "py.typed").is_file()
    for data in ("sim/cost/*.lib", "host/data/networks/*.safetensors", "boards/**/*.cpp"):
        assert list(package.glob(data))
    page = "host/live/page"
    for path in (ROOT / page).rglob("*.*"):
        if path.suffix in (".html", ".css", ".js", ".png"):
            assert (package / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    # A library of others comes with its licence.
    assert (package / page / "vendor" / "LICENSE").is_file()


@pytest.mark.long
def test_the_documents_python_runs_beside_files_of_the_old_names(installed, tmp_path):
    for layer in LAYERS:
        (tmp_path / f"{layer}.py").write_text("raise ImportError('the wrong one')\n")
    text = (ROOT / "docs" / "commands.md").read_text()
    [code] = re.findall(r"## From Python\n.*?```python\n(.*?)```", text, re.DOTALL)
    done = python(
        f"{code}\nimport allspin; print(allspin.__file__)",
        tmp_path,
        PYTHONPATH=str(installed),
    )
    assert done.returncode == 0, done.stderr
    share, file = done.stdout.splitlines()
    assert share.endswith("accuracy; 0 differ")
    assert Path(file).is_relative_to(installed)


def test_each_public_name_is_there_and_no_other():
    for name in allspin.__all__:
        assert getattr(allspin, name).__name__ == {
            "devices": "shipped_devices",
            "load_device": "open_device",
            "load_network": "open_network",
            "networks": "shipped_networks",
        }.get(name, name)
    assert set(allspin.__all__) <= set(dir(allspin))
    with pytest.raises(AttributeError, match="module 'allspin' has no attribute 'nothing'"):
        allspin.nothing  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


class _Interrupted:
    """An import during which Ctrl-C comes."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "allspin.host.cli.main":
            raise KeyboardInterrupt


def test_an_interrupt_while_modules_are_imported_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "allspin.host.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Interrupted(), *sys.meta_path])
    assert start() == 130
    assert capsys.readouterr().err == "allspin: interrupted\n"
