"""A server in a process of its own, as an editor starts it, in a folder with a model that was traced."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

from pruneconf.graph import write_graph
from tests.server.model import GRAPH, MODEL, PYPROJECT

CLIENTS = ("visual_studio_code", "neovim", "emacs")


def client_factory() -> LanguageClient:
    """A client that answers what the server asks, as the test has set it."""
    client = make_test_lsp_client()
    client.answers = []
    client.asked = []

    @client.feature(lsp.WINDOW_SHOW_MESSAGE_REQUEST)
    def on_request(params: lsp.ShowMessageRequestParams):
        client.asked.append(params.message)
        return next((action for action in params.actions or () if action.title in client.answers), None)

    @client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
    def on_register(params: lsp.RegistrationParams):
        return None

    @client.feature(lsp.WORKSPACE_CODE_LENS_REFRESH)
    @client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)
    def on_refresh(*_: object):
        return None

    return client


SERVER = ClientServerConfig([sys.executable, "-m", "pruneconf", "server"], client_factory=client_factory)
