"""What JupyterLab needs to show the lessons as the site does: links, quizzes, figures, no pop-up.

pyproject.toml installs three things from this folder into the environment, and JupyterLab finds
them there, however it was started: settings, a small extension of the page, and this extension of
the server.
"""

from pathlib import Path

from jupyter_server.serverapp import ServerApp


def course_of(folder: Path) -> Path | None:
    """Return the folder of the course if `folder` is its folder of notebooks, else None."""
    inside = folder.name == "notebooks" and (folder.parent / "book" / "glossary.md").exists()
    return folder.parent if inside else None


def _link_jupyter_server_extension(server: ServerApp) -> None:
    """Let a JupyterLab that was started among the notebooks see the whole course.

    The lessons link to pages and pictures beside their folder, and a server shows nothing outside
    its root. A root that somebody has chosen stays.
    """
    course = course_of(Path(server.root_dir))
    if course and not server.config.ServerApp.get("root_dir"):
        server.root_dir = str(course)
        server.config.ContentsManager.preferred_dir = "notebooks"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "coursetools.lab"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Do nothing: all was done before the server read its root."""
