"""Pages that are watched for errors, and JupyterLab driven from Python."""

import contextlib
import os
import time
import urllib.request

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HARMLESS = (
    "favicon",
    "ResizeObserver loop",
    "Could not send widget sync message",  # ipywidgets says so where a kernel was shut down
)


@contextlib.contextmanager
def watched_page(browser, **options):
    """A page in a context of its own; at its end no script has failed or complained."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, **options)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    wrong = [text for text in wrong if not any(word in text for word in HARMLESS)]
    assert not wrong, wrong


def new_lesson(path, words, *sources):
    """Writes a notebook of one cell of words, then code cells; returns its path."""
    cells = [new_markdown_cell(words), *(new_code_cell(source) for source in sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


class Lab:
    """A running JupyterLab: writes notebooks into its folder and opens them."""

    def __init__(self, folder, url, token):
        self.folder, self.url, self.token = folder, url, token

    def write(self, name, *sources):
        """A notebook of code cells; returns its path."""
        return new_lesson(self.folder / f"{name}.ipynb", f"# {name}", *sources)

    def run(self, page, path, wait=120):
        """Opens a notebook and runs all of its cells."""
        page.goto(f"{self.url}/lab/tree/{path.name}?token={self.token}&reset")
        page.wait_for_function("window.jupyterapp && window.jupyterapp.restored")
        page.wait_for_selector(".jp-Notebook-cell", timeout=60_000)
        page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
        page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=1000 * wait,
        )
        done = page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        complaints = page.locator(".jp-RenderedText[data-mime-type*=stderr]").all_inner_texts()
        assert done is not False and not complaints, complaints

    def outputs(self, page):
        """For each code cell of the notebook that was run: its number, and the kinds of output."""
        return page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.cells]
                .filter(cell => cell.type === 'code')
                .map(cell => [cell.executionCount, cell.toJSON().outputs.map(o => o.output_type)])
            """
        )

    def saved(self, page):
        """The notebook that was run, as JupyterLab saves it: with the state of its widgets."""
        page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        name = page.evaluate("jupyterapp.shell.currentWidget.context.path")
        return nbformat.read(self.folder / name, as_version=4)

    def theme(self, page, name):
        """Changes JupyterLab's theme: "Light" or "Dark"."""
        page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {name}",
        )
        light = "true" if name == "Light" else "false"
        page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        page.wait_for_timeout(300)

    def shoot(self, page, selector, name):
        """Pictures of an explorer in both themes, into the folder AAE_SCREENSHOTS names."""
        folder = os.environ.get("AAE_SCREENSHOTS")
        for theme in ("Light", "Dark") if folder else ():
            self.theme(page, theme)
            page.locator(selector).first.screenshot(path=f"{folder}/{name}-{theme.lower()}.png")

    def python(self, page, code):
        """Runs code in the notebook's kernel; returns what it prints."""
        return page.evaluate(
            """async code => {
                const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute({code});
                let text = '';
                future.onIOPub = m => {
                    if (m.header.msg_type === 'stream') text += m.content.text;
                    if (m.header.msg_type === 'error') text += m.content.traceback.join('\\n');
                };
                await future.done;
                return text;
            }""",
            code,
        )

    def value(self, page, expression):
        """A value of the kernel's, once it has stopped changing."""
        before, result = None, ""
        while result != before:
            page.wait_for_timeout(400)
            before, result = result, self.python(page, f"print(repr({expression}))")
        return eval(result, {"inf": float("inf")})


def wait_for(url, server, log, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not answer in {seconds} s:\n{log.read_text()}")
