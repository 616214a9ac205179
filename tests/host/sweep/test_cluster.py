"""Clusters with certificates; wrong certificates are errors of one line."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trustme
from dask import config
from distributed import LocalCluster
from distributed.security import Security

from allspin.host.sweep import workers as cluster_module
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import run_sweep
from allspin.host.sweep.workers import connect
from allspin.sim.errors import UserError

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECTING", 2.0)


def certificates(folder):
    """Write the files of an authority and of a certificate that it has issued."""
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    return SimpleNamespace(**{path.stem: path for path in folder.iterdir()})


def configured(ca, certificate, key=None):
    """Return Dask's configuration with the certificates of a client."""
    named = {"ca-file": ca, "client.cert": certificate, "client.key": key or certificate}
    return config.set({f"distributed.comm.tls.{name}": str(named[name]) for name in named})


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("tls") / "mine")


@pytest.fixture(scope="module")
def address(mine):
    """Yield the address of a scheduler that accepts only TLS, with a worker."""
    ends = {
        f"tls_{end}_{kind}": str(getattr(mine, kind))
        for end in ("scheduler", "worker", "client")
        for kind in ("cert", "key")
    }
    security = Security(tls_ca_file=str(mine.ca), require_encryption=True, **ends)
    options: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(
        processes=False, protocol="tls://", security=security, silence_logs=50, **options
    ) as running:
        scheduler = cast(Any, running).scheduler_address
        assert scheduler.startswith("tls://")
        yield scheduler


@pytest.mark.parametrize("one_file", [False, True])
def test_a_cluster_with_certificates_gives_the_table_of_this_machine(
    small, tmp_path, mine, address, one_file
):
    plan = make_plan(small.grid(chips=2))
    run_sweep(plan, tmp_path / "1.csv")
    files = (mine.ca, mine.both) if one_file else (mine.ca, mine.cert, mine.key)
    with configured(*files):
        run_sweep(plan, tmp_path / "2.csv", scheduler=address)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_certificates_of_another_authority_are_refused(tmp_path, mine, address):
    other = certificates(tmp_path / "other")
    for files in (
        (other.ca, other.both),  # neither side knows the other
        (mine.ca, other.both),  # the scheduler does not know us
        (other.ca, mine.both),  # we do not know the scheduler
    ):
        refused = pytest.raises(UserError, match=f"no Dask scheduler answers at {address}: ")
        with configured(*files), refused:
            connect(address)


CONNECT = """\
from allspin.host.sweep.workers import connect
from allspin.sim.errors import UserError
for address in ("tls://127.0.0.1:9", "::::", "foo://a:9"):
    try:
        connect(address)
    except UserError as error:
        print(type(error).__name__)
"""


def test_an_impossible_scheduler_prints_nothing_at_exit():
    done = subprocess.run(
        [sys.executable, "-c", CONNECT], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("UserError\n" * 3, "")


def test_files_that_are_no_certificates_are_refused_in_one_line(tmp_path, mine):
    (tmp_path / "text").write_text("text")
    other = certificates(tmp_path / "other")
    for files in (
        (tmp_path / "none", mine.both),
        (mine.ca, tmp_path / "none"),
        (mine.ca, tmp_path),
        (tmp_path / "text", mine.both),
        (mine.ca, tmp_path / "text"),
        (mine.ca, mine.cert),
        (mine.ca, mine.cert, other.key),
    ):
        with configured(*files), pytest.raises(UserError, match="cannot be used: ") as caught:
            connect("tls://127.0.0.1:9")
        assert "certificates" in str(caught.value)
