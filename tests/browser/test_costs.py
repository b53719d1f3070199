"""CostDiscrepancyExplorer in JupyterLab: pointer, arrow keys, pairs without a run."""

SOURCE = """
from aae_lessons import data
from aae_lessons.widgets.costs import CostDiscrepancyExplorer
x = data.mnist("test", "cpu").x
def run(i):
    sheet = {"reconstructions": x[i : i + 14], "samples": x[i + 14 : i + 28]}
    return {**sheet, "metrics": {"frechet_distance": float(i)}}
pairs = [("squared", "mmd"), ("squared", "sliced"), ("absolute", "sliced")]
explorer = CostDiscrepancyExplorer(x, {pair: run(20 * i) for i, pair in enumerate(pairs)})
explorer
"""


def test_choosing_a_pair(lab, page):
    lab.run(page, lab.write("costs", SOURCE))
    page.wait_for_selector(".aae-costs")

    def ink():
        return page.locator(".aae-picture").nth(28).evaluate("canvas => canvas.toDataURL()")

    lab.shoot(page, ".aae-costs", "costs")
    seen = [ink()]
    page.get_by_role("radio", name="squared with sliced").click()
    seen.append(ink())
    page.keyboard.press("ArrowDown")
    assert lab.value(page, "(explorer.cost, explorer.discrepancy)") == ("absolute", "sliced")
    seen.append(ink())
    assert len(set(seen)) == 3
    assert page.get_by_role("radio", name="absolute with mmd").is_disabled()
    assert "Fréchet distance 40" in page.locator(".aae-costs").inner_text()
    lab.python(page, "explorer.discrepancy = 'mmd'")
    page.wait_for_selector(".aae-costs:has-text('no run was made with this pair')")
