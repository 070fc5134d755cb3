"""What runs in the process of a `kubetest.ApiServer`: kube-apiserver, and the controllers asked for, on one event loop.

Writes one line of JSON to standard output when it is ready, and ends on SIGTERM or when standard input closes."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from apiserver import app
from apiserver.options import Options as ServerOptions
from client.rest import RestClient
from component.flags import flag
from component.process import Process, run_process
from kubetest.files import Credentials, write_credentials
from kubetest.port import reserved_port

_ADDRESS = "127.0.0.1"
_NAME = "kubetest"
_ACCOUNT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Options(ServerOptions):
    """Those of kube-apiserver, and what a test asks for."""

    folder: str = flag("", help="where certificates, tokens and the kubeconfig are written")
    plain: bool = flag(False, help="announce the port that speaks HTTP")
    controllers: tuple[str, ...] = flag((), help="controllers to run, by the names of kube-controller-manager")


async def serve(options: Options, process: Process) -> None:
    """Serve until told to end."""
    process.spawn("standard-input", _end_with_parent(Path(options.folder), process))
    with reserved_port(_ADDRESS) as port, reserved_port(_ADDRESS) as insecure_port:
        url = f"http://{_ADDRESS}:{insecure_port}" if options.plain else f"https://{_ADDRESS}:{port}"
        files = await asyncio.to_thread(write_credentials, Path(options.folder), url, _ADDRESS)
        settled = _settled(options, files, port, insecure_port)
        tasks = [process.spawn("kube-apiserver", app.serve(settled, process))]
        try:
            await process.is_ready.wait()
            if options.controllers:
                tasks.append(process.spawn("controllers", _control(options.controllers, files)))
                await _default_account(options.controllers, files)
            announced = {"url": url, "token": files.token, "kubeconfig": str(files.kubeconfig), "ca": str(files.ca)}
            sys.stdout.write(json.dumps(announced) + "\n")
            sys.stdout.flush()
            await asyncio.Event().wait()
        finally:
            # One after the other: each needs what was started before it to end in order.
            for task in reversed(tasks):
                task.cancel()
                await asyncio.wait({task})


def _settled(options: Options, files: Credentials, port: int, insecure_port: int) -> Options:
    """The server's flags: those given, over what suits a test, and what must be so."""
    disabled = options.disable_admission_plugins
    if not {"*", "serviceaccount", "serviceaccount-controller"} & set(options.controllers):
        disabled = (*disabled, "ServiceAccount")  # nobody would make the accounts that it insists on
    default = ServerOptions()
    modes, services = options.authorization_mode, options.service_cluster_ip_range
    return replace(
        options,
        storage_backend="sqlite",
        sqlite_path=":memory:",
        bind_address=_ADDRESS,
        secure_port=port,
        insecure_bind_address=_ADDRESS,
        insecure_port=insecure_port if options.plain else 0,
        cert_dir=options.folder,
        tls_cert_file=str(files.ca),
        tls_private_key_file=str(files.serving_key),
        token_auth_file=str(files.tokens),
        service_account_issuer=options.service_account_issuer or ("https://kubernetes.default.svc",),
        service_account_key_file=(str(files.account_key),),
        service_account_signing_key_file=str(files.account_key),
        authorization_mode=("RBAC",) if modes == default.authorization_mode else modes,
        service_cluster_ip_range="10.96.0.0/12" if services == default.service_cluster_ip_range else services,
        disable_admission_plugins=disabled,
        allow_privileged=True,
    )


async def _control(controllers: tuple[str, ...], files: Credentials) -> None:
    """Run the controllers; only here, as most tests need none."""
    from client import kubeconfig
    from controller.app import run_controllers
    from controller.options import Options as ControllerOptions

    options = ControllerOptions(
        kubeconfig=str(files.kubeconfig), controllers=controllers, leader_elect=False, root_ca_file=str(files.ca)
    )
    async with RestClient(kubeconfig.load(options.kubeconfig), user_agent=_NAME) as client:
        await run_controllers(client, options)


async def _default_account(controllers: tuple[str, ...], files: Credentials) -> None:
    """Wait until pods can be made in the namespace `default`: they need its service account."""
    from api.resources import SERVICE_ACCOUNTS
    from client import kubeconfig
    from controller.registry import selected

    if not any(entry.alias == "serviceaccount" for entry in selected(controllers)):
        return
    async with (
        asyncio.timeout(_ACCOUNT_SECONDS),
        RestClient(kubeconfig.load(str(files.kubeconfig)), user_agent=_NAME) as client,
    ):
        found = await client.list(SERVICE_ACCOUNTS, "default")
        if found["items"]:
            return
        version = found["metadata"]["resourceVersion"]
        async for event in client.watch(SERVICE_ACCOUNTS, "default", resource_version=version):
            if event.type == "ADDED":
                return


async def _end_with_parent(folder: Path, process: Process) -> None:
    """Standard input ends with the process that holds its other side; then nobody needs us, or our files."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    if not process.stopping.is_set():
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        process.stopping.set()


def import_for(argv: Sequence[str]) -> None:
    """Import what a server with these arguments needs beyond this module."""
    importlib.import_module("apiserver.storage.sqlite")
    if any(argument.startswith("--controllers=") and argument != "--controllers=" for argument in argv):
        importlib.import_module("controller.app")


def main(argv: Sequence[str]) -> int:
    """Run; returns the exit code."""
    os.umask(0o077)
    return run_process(serve, Options, argv, name=_NAME, description="A Kubernetes API server for tests.")
