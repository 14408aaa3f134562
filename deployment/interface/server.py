"""Serving pages to the browser until a signal comes; nothing leaves the machine."""

import threading
from typing import TYPE_CHECKING

import click
import gradio as gr
import uvicorn
from fastapi import FastAPI

from deployment.interface.theme import CSS, THEME
from utils.errors import Interrupted, RunError
from utils.terminal.listening import listener
from utils.terminal.processes import interruptible

if TYPE_CHECKING:
    from gradio import Blocks

LARGEST_UPLOAD = "8mb"


def serve(page: "Blocks", what: str, host: str, port: int) -> int:
    """Serve `page`, and say in one line where; ends by SIGINT or SIGTERM only.

    Args:
        page: What to show.
        what: Its name, for that line.
        host: The address to listen at.
        port: The port; 0 is any that is free.

    Returns:
        The exit code for the signal that came.

    Raises:
        InputError: The port is in use, or the address is not one of this machine.
    """
    listening = listener(host, port)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(
        app, page, path="/", footer_links=[], max_file_size=LARGEST_UPLOAD, ssr_mode=False, theme=THEME, css=CSS
    )
    # A browser keeps connections open for as long as the page is; they are not waited for.
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    address = f"[{host}]" if ":" in host else host
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    try:
        with interruptible():
            thread.start()
            click.echo(f"{what}: http://{address}:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
            thread.join()
    except Interrupted as stop:
        server.should_exit = True
        if thread.is_alive():
            thread.join()
        return stop.exit_code
    raise RunError(f"the server of {what} ended by itself")
