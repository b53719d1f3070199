"""Settings of nbgrader for this course: copy this file into the course folder (INSTRUCTORS.md)."""

from pathlib import Path

c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "aae-lessons"
# an untouched answer raises this, and the check under it says "not attempted"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
# seconds for one cell; the first one imports torch, which a busy machine needs time for
c.Execute.timeout = 300

# where released and submitted files wait; nbgrader's own default belongs to root on a laptop
c.Exchange.root = str(Path.home() / "nbgrader-exchange")
