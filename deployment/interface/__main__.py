"""The work of `scratch ui`, in a chapter's environment: `python -m deployment.interface [CHAPTER] …`."""

import os
import tempfile
from pathlib import Path

import click

from project.chapters import Chapter, Project
from utils.terminal.run import run_command


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path), required=False)
@click.option("--checkpoint", default="latest")
@click.option("--outputs", type=click.Path(path_type=Path))
@click.option("--host", required=True)
@click.option("--port", type=int, required=True)
@click.option("--debug", is_flag=True)
def show(chapter: Path | None, checkpoint: str, outputs: Path | None, host: str, port: int, debug: bool) -> int:
    """Serve the page of a checkpoint, or without a chapter that of all runs."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported: it would ask the network
    with tempfile.TemporaryDirectory(prefix="scratch-ui-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        from deployment.interface.server import serve

        if chapter is None:
            from deployment.interface.pages.runs import runs_page

            return serve(runs_page(Project(), outputs), "runs", host, port)
        from deployment.interface.pages.chapter import chapter_page
        from inference import Predictor

        predictor = Predictor.from_checkpoint(chapter, checkpoint, outputs)
        return serve(chapter_page(Chapter(chapter), predictor), chapter.name, host, port)


if __name__ == "__main__":
    run_command(show, "scratch ui")
