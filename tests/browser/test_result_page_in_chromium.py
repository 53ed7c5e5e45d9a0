"""The page of results in a browser: it is quiet, plays, sorts, filters and fits."""

import pytest
from fake_results import HOSTILE, ODD_SNR, SECONDS

pytestmark = pytest.mark.slow

WIDTHS = {"desktop": 1280, "phone": 375}


class Watched:
    """A page that remembers what a user must not see."""

    def __init__(self, page, address: str) -> None:
        self.page, self.complaints, self.requests = page, [], []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("console", self._hear)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def watched(browser, report, request):
    width = getattr(request, "param", 1280)
    context = browser.new_context(viewport={"width": width, "height": 800})
    yield Watched(context.new_page(), report.as_uri())
    context.close()


@pytest.fixture
def page(watched):
    return watched.page


def names(page) -> list[str]:
    """The utterances of the cards that can be seen, from the top."""
    return page.locator(".card:visible h3 .name").all_inner_texts()


def rows(page) -> list[str]:
    return page.locator("#table-utterances tbody tr:visible th").all_inner_texts()


def wait_for(page, condition: str) -> None:
    """As page.wait_for_function, which the page's policy forbids, for 20 s at most."""
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came: {condition}")


def press_heading(page, name: str) -> None:
    """Sort by a column of the utterances, by keyboard."""
    heading = page.locator("#table-utterances").get_by_role("button", name=name)
    heading.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("watched", WIDTHS.values(), ids=WIDTHS, indirect=True)
def test_it_loads_without_complaint_or_request_and_does_not_scroll_sideways(watched):
    page = watched.page
    wait_for(page, "[...document.querySelectorAll('audio')].every(a => a.readyState)")
    for player in page.locator("audio").all():
        player.scroll_into_view_if_needed()
    assert watched.complaints == []
    assert {url.split(":")[0] for url in watched.requests} <= {"file", "data"}
    assert [url for url in watched.requests if url.startswith("file:")] == [page.url]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0 and page.locator("img").count() == 4 * 12 + 1


def test_the_policy_forbids_what_is_not_ours(watched):
    page = watched.page
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("fetch('http://127.0.0.1:9/')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        "{textContent: 'window.ran = true'}))"
    )
    assert page.evaluate("window.ran") is None


def test_players_play_one_at_a_time_by_keyboard(page):
    first, second = page.locator("audio").nth(0), page.locator("audio").nth(1)
    wait_for(page, "[...document.querySelectorAll('audio')].every(a => a.readyState)")
    first.focus()
    page.keyboard.press("Space")
    wait_for(page, "document.querySelectorAll('audio')[0].currentTime > 0.1")
    assert first.evaluate("a => a.readyState >= 3 && a.error === null && !a.paused")
    cursor = page.locator(".cursor").nth(0)
    assert cursor.is_visible()
    second.focus()
    page.keyboard.press("Space")
    wait_for(page, "document.querySelectorAll('audio')[1].currentTime > 0")
    assert first.evaluate("a => a.paused")


def test_every_player_can_be_played(page):
    played = page.evaluate(
        """async () => {
        const players = [...document.querySelectorAll('audio')];
        for (const player of players) {
            if (player.readyState < 3) {
                await new Promise((done, fail) => {
                    player.addEventListener('canplay', done);
                    player.addEventListener('error', fail);
                    player.preload = 'auto';
                    player.load();
                });
            }
        }
        return players.map((player) => player.duration);
        }"""
    )
    assert played == pytest.approx([SECONDS] * 4 * 12, abs=0.01)


def test_sorting_by_keyboard_moves_the_rows_and_the_cards(page):
    press_heading(page, "SI-SNR noisy")
    heading = page.locator("#table-utterances th[aria-sort]")
    assert heading.get_attribute("aria-sort") == "descending"
    expected = sorted([*ODD_SNR, *ODD_SNR], key=ODD_SNR.__getitem__, reverse=True)
    assert rows(page) == names(page) == expected
    press_heading(page, "SI-SNR noisy")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert rows(page) == names(page) == expected[::-1]
    press_heading(page, "utterance")
    assert heading.count() == 1 and heading.inner_text().startswith("utterance")
    found = names(page)
    assert found.index("a-clean-one") < found.index("b-half") < found.index("c-none")


def test_filters_by_keyboard_leave_what_fits(page):
    assert page.get_by_role("status").inner_text() == "12 of 12 utterances"
    page.get_by_label("Find").focus()
    page.keyboard.type("ECHO half")
    assert rows(page) == names(page) == ["b-half"] * 2
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "set"
    page.keyboard.type("other")
    assert page.get_by_role("status").inner_text() == "1 of 12 utterances"
    page.get_by_label("Set").select_option("")
    page.get_by_label("Find").fill("")
    page.get_by_label("Kind").select_option("best")
    assert 0 < len(names(page)) < 12
    assert set(page.locator(".card:visible .badge").all_inner_texts()) == {"best"}
    page.get_by_label("Find").fill("not there")
    assert names(page) == []


def test_hostile_texts_are_shown_and_are_no_markup(watched):
    page = watched.page
    assert page.locator("script").count() == 1
    assert page.locator("main img:not([src^='data:'])").count() == 0
    assert HOSTILE in names(page)
    page.get_by_label("Find").fill(HOSTILE)
    assert names(page) == [HOSTILE] * 2
    errors = page.locator(".card:visible").first.locator("ins")
    assert f"</ins>{HOSTILE}" in errors.all_inner_texts()
    page.get_by_role("link", name=HOSTILE).first.click()
    assert watched.complaints == []


def test_what_assistive_technology_needs_has_a_name(page):
    for player in page.locator("audio").all():
        assert ", " in player.get_attribute("aria-label")
    for image in page.locator("img").all():
        assert len(image.get_attribute("alt")) > 20
    for table in page.locator("table").all():
        assert table.locator("caption").text_content()
        for heading in table.locator("th").all():
            assert heading.get_attribute("scope") in ("col", "row")
    names_of_regions = page.locator("[role=region]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label')"
        " || document.getElementById(one.getAttribute('aria-labelledby')).textContent)"
    )
    assert all(names_of_regions) and len(names_of_regions) >= 5
    assert page.locator("html").get_attribute("lang") == "en"
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(h => h.tagName)")
    assert levels[0] == "H1" and levels.count("H1") == 1
    assert page.locator("[id]").count() == page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    )


def test_errors_are_told_in_words_and_arabic_runs_from_the_right(page):
    card = page.locator(".card", has_text="b-half").first
    said = card.locator(".alignment").first.evaluate("p => p.textContent")
    assert "[replaced: delta by echo]" in " ".join(said.split())
    lost = page.locator(".card", has_text="c-none").first.locator(".alignment").first
    assert lost.locator("del").all_inner_texts() == ["golf", "hotel"]
    arabic = page.locator(".card", has_text="d-arabic").first.locator(".alignment")
    assert arabic.first.evaluate("p => getComputedStyle(p).direction") == "rtl"


def test_the_first_tab_skips_to_the_results(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
