"""A real JupyterHub: a student opens a lesson by a link, runs it and submits; the teacher grades.

The two settings files are those that the page for instructors shows.
"""

import os
import re
import socket
import subprocess
import time
import urllib.request
from urllib.parse import urlencode

from coursekit.settings import CHECKOUT as ROOT
from coursetools.publish.student import NAME

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from exercising import NOTEBOOKS, read
from school import School, answer, exercises, failed, total

pytestmark = [pytest.mark.rehearsal, pytest.mark.browser]

HUB = ROOT / "_build" / "hub"
LESSON = NOTEBOOKS[0]
ASSIGNMENT = f"lesson-{LESSON.name[:2]}"
TITLE = read(LESSON).cells[0].source.splitlines()[0].lstrip("# ")
NOTEBOOK = f"{NAME}/{ASSIGNMENT}/{LESSON.name}"
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
# The command's promise is kept too early; so the cells themselves are asked.
RUN = """
const {commands, shell} = window.jupyterapp;
const {content, sessionContext} = shell.currentWidget;
sessionContext.ready.then(() => commands.execute('notebook:run-all-cells'));
const timer = setInterval(() => {
  const code = [...content.model.cells].filter(cell => cell.type === 'code');
  if (code.some(cell => !cell.executionCount)) return;
  clearInterval(timer);
  commands.execute('docmanager:save').then(() => { window.lessonSaved = true; });
}, 500);
"""


def shown(name: str) -> str:
    """Return a file that the page for instructors shows under this name."""
    (text,) = re.findall(rf"`{re.escape(name)}`\..+?```python\n(.+?)```", PAGE, re.DOTALL)
    return text


def free_ports(number: int) -> list[int]:
    """Return ports of this machine that nobody uses."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A school whose first lesson is released, and is in a bare repository for the link."""
    school = School(tmp_path_factory.mktemp("school"), [LESSON])
    school.call("course", "release_assignment", ASSIGNMENT)
    released = school.course / "release"
    who = ["-c", "user.name=teacher", "-c", "user.email=teacher@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*who, "commit", "-q", "-m", "Lessons"],
        ["clone", "-q", "--bare", ".", school.folder / NAME],
    ):
        subprocess.run(["git", *command], cwd=released, check=True)
    return school


@pytest.fixture(scope="module")
def hub(school):
    """The address of a JupyterHub that runs with the settings of the page, on this machine."""
    scripts, proxy = HUB / "bin", HUB / "node_modules" / ".bin"
    if not ((scripts / "jupyterhub").exists() and (proxy / "configurable-http-proxy").exists()):
        pytest.skip("JupyterHub or its proxy is not in _build/hub: `make rehearse` installs them")
    port, api, inner = free_ports(3)
    etc = school.folder / "etc"
    etc.mkdir()
    settings = shown("/etc/jupyter/nbgrader_config.py")
    settings = settings.replace("/srv/nbgrader/exchange", str(school.exchange))
    (etc / "nbgrader_config.py").write_text(settings, encoding="utf-8")
    arguments = ["--LabApp.expose_app_in_browser=True", *["--allow-root"] * (os.getuid() == 0)]
    (school.folder / "jupyterhub_config.py").write_text(
        shown("jupyterhub_config.py").replace(":8000", f":{port}")
        # What only a test needs: free ports, and a handle on JupyterLab.
        + f'c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"\n'
        f"c.JupyterHub.hub_port = {inner}\n"
        f"c.Spawner.args = {arguments}\n"
        f"c.Spawner.environment |= {{'JUPYTER_CONFIG_PATH': {str(etc)!r}}}\n",
        encoding="utf-8",
    )
    path = os.pathsep.join([str(scripts), str(proxy), os.environ["PATH"]])
    log = school.folder / "hub.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [scripts / "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=school.folder,
            env=os.environ | {"PATH": path},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/hub/health", process, log)
            yield address
        finally:
            process.terminate()  # and so its proxy and its users' servers
            process.wait(180)


def wait_for(address: str, process: subprocess.Popen, log) -> None:
    """Wait until something answers there; fail with the log when its process has ended."""
    for _ in range(60):
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(1)
        else:
            return
    pytest.fail(f"JupyterHub does not answer:\n{log.read_text()}")


def test_a_student_opens_runs_and_submits_and_the_teacher_grades(hub, school, browser):
    link = {
        "repo": f"file://{school.folder}/{NAME}",
        "branch": "main",
        "urlpath": f"lab/tree/{NOTEBOOK}",
    }
    wait = WebDriverWait(browser, 180, ignored_exceptions=[StaleElementReferenceException])
    lesson = (By.CSS_SELECTOR, ".jp-Notebook")

    def opened(page) -> bool:
        return any(TITLE in found.text for found in page.find_elements(*lesson))

    # The link, the name, the password: and there is the lesson.
    browser.get(f"{hub}/hub/user-redirect/git-pull?{urlencode(link)}")
    browser.find_element(By.ID, "username_input").send_keys("ada")
    browser.find_element(By.ID, "password_input").send_keys("anything")
    browser.find_element(By.ID, "login_submit").click()
    wait.until(opened)

    # Some hours later the exercises are solved, but for the open ones. All is run and saved.
    every = exercises(LESSON)
    solved = [one for one in every if not one.by_hand]
    path = school.folder / "homes" / "ada" / NOTEBOOK
    answer(path, solved)
    browser.refresh()
    wait.until(opened)
    browser.execute_script(RUN)
    # asked again and again: Selenium waits for one answer no longer than two minutes
    saved = "return window.lessonSaved === true"
    WebDriverWait(browser, 900, 2).until(lambda page: page.execute_script(saved))
    assert failed(path) == []

    # The student's list of assignments: a click submits.
    browser.execute_script("window.jupyterapp.commands.execute('nbgrader:open-assignment-list')")
    button = (By.XPATH, "//button[normalize-space()='Submit']")
    wait.until(lambda page: page.find_elements(*button))[0].click()
    submitted = (By.CSS_SELECTOR, "#submitted_assignments_list")
    wait.until(lambda page: ASSIGNMENT in page.find_element(*submitted).text)
    browser.save_screenshot(str(ROOT / "_build" / "hub.png"))

    school.call("course", "collect", ASSIGNMENT)
    school.call("course", "autograde", ASSIGNMENT)
    with school.gradebook() as book:
        submission = book.find_submission(ASSIGNMENT, "ada")
        assert (submission.score, submission.max_score) == (total(solved), total(every))
    home = school.folder / "homes" / "ada" / ".coursekit"
    assert (home / "artifacts" / "mini" / "results.json").exists()
