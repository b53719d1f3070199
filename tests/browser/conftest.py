"""JupyterLab on loopback, and Chromium to look at it.

Without Chromium (Debian: ``apt-get install chromium``) or Playwright's Python package these tests
are skipped; with ``AAE_BROWSER=required`` in the environment they fail instead. ``AAE_CHROMIUM``
names a browser that is not on the path.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from laboratory import Lab, wait_for, watched_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
WIDGET_SETTINGS = {"jupyterlab-manager/plugin": {"saveState": True}}


def missing(reason):
    """Skips, or fails where browser tests are required."""
    if os.environ.get("AAE_BROWSER") == "required":
        pytest.fail(f"AAE_BROWSER=required, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install playwright")
    result = (os.environ.get("AAE_CHROMIUM"), *map(shutil.which, NAMES))
    path = next((p for p in result if p), None)
    if path is None:
        missing("no Chromium was found: apt-get install chromium, or set AAE_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory, browser):
    """JupyterLab on loopback, in a process group of its own, with fresh folders."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "notebooks"
    folder.mkdir()
    for owner, settings in {"@jupyterlab": SETTINGS, "@jupyter-widgets": WIDGET_SETTINGS}.items():
        for name, values in settings.items():
            path = home / "settings" / owner / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, url = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--expose-app-in-browser"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, **{key: str(home / value) for key, value in places.items()}}
    environment["AAE_DEVICE"] = "cpu"
    log = (home / "log").open("w")
    server = subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
    )
    try:
        wait_for(f"{url}/api?token={token}", server, home / "log")
        yield Lab(folder, url, token)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


@pytest.fixture
def page(browser):
    with watched_page(browser) as result:
        yield result


@pytest.fixture
def shots():
    """``shots(page, selector, name)``: pictures of all that match, where AAE_SCREENSHOTS says."""

    def take(page, selector, name):
        folder = os.environ.get("AAE_SCREENSHOTS")
        for i, result in enumerate(page.locator(selector).all() if folder else []):
            result.screenshot(path=f"{folder}/{name}-{i}.png")

    return take
