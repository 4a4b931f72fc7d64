"""The workflows of GitHub on this machine: each step does here what it would do there."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass
class Job:
    """What the steps of a job know: from where to clone, into which place, with which programs."""

    course: Path
    place: Path
    programs: Path
    uploaded: Path | None = None
    published: Path | None = None

    def call(self, *command: str | Path) -> None:
        """Run a program in the place of the job; the job's own programs are found first."""
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "CI": "true"}
        subprocess.run(command, cwd=self.place, env=environment, check=True)


def checkout(job: Job, _) -> None:
    job.call("git", "clone", "-q", job.course, ".")


def setup_python(job: Job, _) -> None:
    job.call("python", "--version")  # the one that is here, whichever was asked for


def upload_pages_artifact(job: Job, options: dict) -> None:
    job.uploaded = job.place / options["path"]
    assert (job.uploaded / "index.html").is_file(), job.uploaded
    assert not any(path.is_symlink() for path in job.uploaded.rglob("*"))  # refused there too


def deploy_pages(job: Job, _) -> None:
    assert job.uploaded, "Nothing has been uploaded."
    job.published = job.uploaded


ACTIONS = {
    "actions/checkout": checkout,
    "actions/setup-python": setup_python,
    "actions/upload-pages-artifact": upload_pages_artifact,
    "actions/deploy-pages": deploy_pages,
}


def run(workflow: Path, course: Path, folder: Path, programs: Path) -> list[Job]:
    """Return the jobs of a workflow, done one after the other.

    Parameters
    ----------
    workflow
        The YAML file. An action that is not known here is a `KeyError`.
    course
        The repository that is checked out, in its last commit.
    folder
        Each job gets a folder in it.
    programs
        A folder with the programs that a step finds first.
    """
    done = []
    for name, content in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].items():
        job = Job(course, folder / name, programs)
        job.place.mkdir(parents=True)
        for step in content["steps"]:
            if "uses" in step:
                ACTIONS[step["uses"].partition("@")[0]](job, step.get("with"))
            else:
                assert "${{" not in step["run"], step  # nothing fills the gap here
                job.call("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"])
        done.append(job)
    return done
