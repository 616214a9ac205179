"""A Dask cluster: where its scheduler is, and with which certificates it is spoken to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import open_file

if TYPE_CHECKING:
    from distributed import Client

MAX_CERTIFICATE = 1 << 22
"""Bytes of a file of certificates."""
CONNECTING = 10.0
"""Seconds for a scheduler to answer."""
TLS = "tls://"


@dataclass(frozen=True)
class Cluster:
    """A cluster's scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``, or ``tls://10.0.0.5:8786``.
    ca_file : Path, optional
        Certificates of the authority that signed the scheduler's, in PEM. Without them, those of
        Dask's own configuration.
    certificate, key : Path, optional
        Certificate of this side and its key, in PEM; without a key, it is in the certificate's
        file.

    Raises
    ------
    ValueError
        If certificates are named but not those that TLS needs, or the address is another kind's.
    """

    address: str
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        files = (self.ca_file, self.certificate, self.key)
        if not any(files):
            return
        if self.ca_file is None or self.certificate is None:
            raise ValueError(
                "a scheduler with TLS needs both `ca_file` and `certificate`, for the two sides "
                "show their certificates to one another"
            )
        if not self.address.startswith(TLS):
            raise ValueError(
                f"certificates are for a scheduler at {TLS}HOST:PORT, not at {self.address}"
            )

    def connect(self) -> "Client":
        """A client of the scheduler.

        Raises
        ------
        UserError
            If Dask is not installed, a certificate cannot be used, or the scheduler does not
            answer or does not accept it.
        """
        try:
            from distributed import Client
        except ImportError:
            raise UserError(
                "a cluster needs Dask; install the package distributed, or allspin[cluster]"
            ) from None

        class Closing(Client):
            """One that is closed if it cannot connect: Dask's own waits for that at exit."""

            def __init__(self, *arguments: Any, **options: Any) -> None:
                try:
                    super().__init__(*arguments, **options)
                except Exception:
                    self.close()
                    raise

        security = self._security()
        try:
            return Closing(
                self.address, timeout=CONNECTING, set_as_default=False, security=security
            )
        except TypeError as error:  # what Dask raises for tls:// without certificates
            raise UserError(
                f"the scheduler at {self.address} needs certificates: `ca_file` and `certificate` "
                f"name them ({error})"
            ) from error
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers at {self.address}: {error or type(error).__name__}"
            ) from error

    def _security(self) -> Any:
        """Dask's own object of the certificates; None, for its configuration, without them."""
        if self.ca_file is None:
            return None
        from distributed.security import Security

        names = {
            "tls_ca_file": self.ca_file,
            "tls_client_cert": self.certificate,
            "tls_client_key": self.key or self.certificate,
        }
        security = Security(require_encryption=True, **{k: str(v) for k, v in names.items()})
        try:
            for path in names.values():
                assert path is not None
                open_file(path, "certificate", MAX_CERTIFICATE)[0].close()
            security.get_connection_args("client")  # which reads and matches them
        except OSError as error:  # ssl.SSLError is one
            where = f": {error.filename}" if error.filename else ""
            raise UserError(
                f"the certificates cannot be used: {error.strerror or error}{where}"
            ) from error
        return security
