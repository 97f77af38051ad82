"""A real VS Code in a real browser: code-server and Chromium, both headless."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "docs" / "maker"))
from browser import Browser  # noqa: E402

SECONDS = 90
KEYS = {"Enter": 13, "Escape": 27, " ": 32, "End": 35, "F8": 119}
SUGGESTED = '[...document.querySelectorAll(".suggest-widget.visible .monaco-list-row")].map(row => row.ariaLabel)'
PROBLEM = 'document.querySelector(".zone-widget .descriptioncontainer, .zone-widget .message")?.textContent'
PROFILE = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "chat.disableAIFeatures": True,
    "editor.wordBasedSuggestions": "off",
    "editor.quickSuggestions": {"other": True, "strings": True},
    "telemetry.telemetryLevel": "off",
}


@contextmanager
def code_server(tools: Path, node: Path, home: Path) -> Iterator[str]:
    """The address of a VS Code that has the bridge to the YAML language server; it keeps all its files in `home`."""
    extension = home / "extensions" / "pruneconf.bridge-0.0.1"
    shutil.copytree(HERE / "bridge", extension)
    _write(home / "data" / "User" / "settings.json", PROFILE)
    place = {"$mid": 1, "path": str(extension), "scheme": "file"}
    known = {"identifier": {"id": "pruneconf.bridge"}, "version": "0.0.1", "location": place}
    _write(extension.parent / "extensions.json", [{**known, "relativeLocation": extension.name}])
    port = _free_port()
    command = [
        node,
        tools / "node_modules/code-server/out/node/entry.js",
        "--auth",
        "none",
        "--config",
        home / "c.yaml",
    ]
    options = ["--bind-addr", f"127.0.0.1:{port}", "--user-data-dir", home / "data"]
    options += ["--extensions-dir", extension.parent, "--disable-telemetry", "--disable-update-check"]
    nowhere = json.dumps({"serviceUrl": "http://127.0.0.1:9"})  # no market: nothing is loaded from elsewhere
    env = {**os.environ, "PRUNECONF_EDITORS": str(tools), "HOME": str(home), "EXTENSIONS_GALLERY": nowhere}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*map(str, command + options)], stdout=log, stderr=log, env=env)
    try:
        address = f"http://127.0.0.1:{port}/"
        _until(lambda: _answers(f"{address}healthz"), "code-server to answer")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False


def _until(ask: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    end = time.monotonic() + seconds
    while not (found := ask()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.1)
    return found


class Window:
    """A window of VS Code; questions to it are JavaScript expressions that are asked until they are true."""

    def __init__(self, browser: Browser, address: str, folder: Path, file: Path) -> None:
        self._browser = browser
        payload = json.dumps([["openFile", f"vscode-remote://{address.split('/')[2]}{file}"]])
        query = urllib.parse.urlencode({"folder": str(folder), "payload": payload})
        browser.open(f"{address}?{query}", 1280, 800)
        self.until('document.querySelectorAll(".monaco-editor .view-line").length', "the editor")

    def until(self, expression: str, what: str, seconds: float = SECONDS) -> Any:
        """The value of an expression, once it is true; it has to be plain data."""
        return _until(lambda: self._browser.evaluate(f"(() => {expression})()"), what, seconds)

    def press(self, key: str, *, control: bool = False) -> None:
        """Press and release a key."""
        code = KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
        stroke = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        stroke["modifiers"] = 2 if control else 0
        for kind in ("rawKeyDown", "keyUp"):
            self._browser.call("Input.dispatchKeyEvent", type=kind, **stroke)

    def type(self, text: str) -> None:
        """Type a text, a character at a time."""
        for char in text:
            self._browser.call("Input.dispatchKeyEvent", type="char", text=char)

    def screenshot(self, path: Path) -> None:
        """Save what the window shows."""
        self._browser.screenshot(path)
