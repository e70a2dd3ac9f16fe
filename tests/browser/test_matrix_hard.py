"""The matrix of hostile, cut and large runs."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_kit import Browser, saved, small_run
from click.testing import CliRunner
from report_kit import EVIL, TEXT, USAGE, evil_column, finding, lines, outcome, run_file, write
from streamproof import jsontext
from streamproof.case import all_cases
from streamproof.cli import main
from streamproof.outcome import Outcome, footer, header
from streamproof.report.columns import Column, columns
from streamproof.report.runs import read_runs
from streamproof.verdict import Verdict


def test_a_hostile_stream_is_text(browser: Browser, tmp_path: Path) -> None:
    """Nothing of it runs, nothing becomes an element, and what cannot be seen is shown as an escape."""
    browser.address = saved(tmp_path / "evil.html", [evil_column(tmp_path / "evil"), *small_run(tmp_path)])
    browser.open(width=1440)
    elements = browser.script(
        "return [...document.querySelectorAll('img, iframe, object, b b, script:not([type])')].length"
    )
    assert elements == 0
    browser.click("#matrix td:last-child .chip.v-wrong")  # the worst share stands last
    browser.until(lambda: browser.opened)
    for event in browser.all(".event summary"):
        event.click()
    for button in browser.all(".fold button"):
        button.click()
    text = str(browser.script("return document.querySelector('#detail .detail-body').innerText"))
    assert "<script>window.pwned = 1</script></script><!-- ]]>" in text
    assert r"\u202egnp.exe\u2066 \u2028 \x00 \x07 \x1b[31m \ud800" in text
    assert "\u202e" not in text
    assert "characters in all" in text
    assert browser.script("return window.pwned") is None
    assert browser.script("return document.documentElement.scrollWidth") <= 1440


def test_a_hostile_address_is_text(browser: Browser) -> None:
    """A link that somebody sends."""
    browser.open(
        "#case=" + quote_plus(EVIL, errors="replace") + "&q=" + quote_plus("<img src=x onerror=window.pwned=1>")
    )
    assert browser.text("#count").startswith("There is no stream <script>")
    assert browser.script("return window.pwned") is None


def test_a_cut_run_is_flagged(browser: Browser, tmp_path: Path) -> None:
    """On the first screen, before any number."""
    text = lines([outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai")])[:2]
    browser.address = saved(tmp_path / "cut.html", columns(read_runs([write(tmp_path / "cut", text)])))
    browser.open()
    assert "cut short after 1 of 2 cells" in browser.text(".alerts")


def test_without_script_the_story_is_there(browser: Browser) -> None:
    """The table of shares, and a word about what is missing."""
    browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.chrome.get(browser.address)
        assert "2/4" in browser.text(".scores tbody")
        assert "switched off" in browser.text("noscript")
    finally:
        browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def many(folder: Path, adapters: int) -> list[Column]:
    """Every case of the suite for as many adapters, a fifth of the cells not passing."""
    chance = random.Random(1)
    files = []
    cells = [f"{case.id}@{provider}" for case in all_cases() for provider in case.providers]
    kinds = [Verdict.PASS] * 16 + [Verdict.WRONG, Verdict.LOSSY, Verdict.CRASH, Verdict.HANG]
    for number in range(adapters):
        name = f"adapter-{number}"
        outcomes: list[Outcome] = []
        for cell in cells:
            found = tuple((finding(Verdict.PASS, requirement=f"r-{n}"), "event 1, data") for n in range(4))
            made = outcome(cell, chance.choice(kinds), adapter=name)
            outcomes.append(
                Outcome(**{**{s: getattr(made, s) for s in made.__slots__}, "findings": made.findings + found})
            )
        files.append(write(folder / name, unchecked(outcomes, name)))
    return columns(read_runs(files))


def unchecked(outcomes: list[Outcome], adapter: str) -> list[str]:
    """Lines of a large run; validating each would take minutes, and the small ones are."""
    documents = [
        header(adapter, len(outcomes), {adapter: "1.0"}, "x"),
        *(o.to_json() for o in outcomes),
        footer(outcomes),
    ]
    return [jsontext.dumps(document) for document in documents]


def test_twenty_adapters_on_every_case(browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them are there in the end, also on a phone. How long it takes is printed, not asserted: the machine has a
    say in it."""
    found = many(tmp_path, 20)
    browser.address = saved(tmp_path / "many.html", found)
    browser.open()
    cases = len({result.name.case for result in found[0].results.values()})
    assert len(browser.rows()) == cases
    assert len(browser.all("#matrix .chip")) == 20 * cases
    mark = "return performance.getEntriesByName(arguments[0])[0].startTime"
    usable, whole = browser.script(mark, "streamproof-shown"), browser.script(mark, "streamproof-whole")
    typed = browser.script("""
      const before = performance.now();
      document.querySelector("[name=q]").value = "cut";
      document.querySelector("[name=q]").form.dispatchEvent(new Event("input"));
      return new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(performance.now() - before))));
    """)
    size = (tmp_path / "many.html").stat().st_size / 1e6
    with capsys.disabled():
        print(
            f"\n20 adapters x {cases} cases, {size:.1f} MB: usable after {usable:.0f} ms, "
            f"every row drawn after {whole:.0f} ms, a filter took {typed:.0f} ms"
        )
    browser.open_case(f"#case={TEXT}&by=adapter-7+1.0", width=390)
    for node in ("documentElement", "getElementById('detail')"):
        assert browser.script(f"const d = document.{node}; return d.scrollWidth - d.clientWidth") <= 0


def test_the_command_s_page_works(browser: Browser, tmp_path: Path) -> None:
    """From NDJSON to a page in one command."""
    run = run_file(tmp_path / "run.ndjson", [outcome(f"{TEXT}@openai")])
    out = tmp_path / "out.html"
    assert CliRunner().invoke(main, ["report", str(run), "--format", "html", "-o", str(out)]).exit_code == 0
    browser.address = out.as_uri()
    browser.open()
    assert browser.rows() == ["musttext"]
