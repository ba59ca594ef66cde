"""DokuWiki: files only. Its installer, an edit with preview, a picture, a search, the walls."""
import re

import pytest

import packages
import picture
import walls
from conftest import make_house

PASSWORD = "correct horse 7"


@pytest.fixture(scope="module")
def wiki(browser):
    for h in make_house(packages.DOKUWIKI, browser):
        for site in h.both:   # Debian's conf/dokuwiki.php says /var/lib; this file has the last word
            site.write("conf/local.protected.php", "<?php\n$conf['savedir'] = './data';\n")
        yield h


@pytest.mark.parametrize("which", ["one", "two"])
def test_install(wiki, browser, which):
    site = getattr(wiki, which)
    browser.go(wiki.url(site, "/install.php"))
    browser.looks_right(f"{which}-1-installer")
    browser.fill("#title", f"The wiki of {which}")
    if not browser.see("#acl").is_selected():
        browser.click("#acl")
    browser.fill("#superuser", which)
    browser.fill("#fullname", f"Person {which}")
    browser.fill("#email", f"{which}@example.org")
    browser.fill("#password", PASSWORD)
    browser.fill("#confirm", PASSWORD)
    browser.choose("#policy", "1")   # everybody reads, members write
    browser.follow("button[type=submit][name=submit], input[name=submit]")
    browser.says("configuration was finished successfully")
    browser.looks_right(f"{which}-2-installed")
    assert wiki.get(site, "/install.php").status == 200   # refuses, as it should, by itself
    assert (site.root / "conf/users.auth.php").stat().st_uid == site.uid


@pytest.mark.parametrize("which", ["one", "two"])
def test_log_in(wiki, browser, which):
    browser.go(wiki.url(getattr(wiki, which), "/doku.php?id=start&do=login"))
    browser.fill("input[name=u]", which)
    browser.fill("input[name=p]", PASSWORD)
    browser.follow("#dw__login button[type=submit]")
    browser.says(f"Person {which}")
    browser.looks_right(f"{which}-3-logged-in")


def test_edit_with_preview(wiki, browser):
    browser.go(wiki.url(wiki.one, "/doku.php?id=start&do=edit"))
    browser.fill("#wiki__text", "====== Welcome ======\nÄpfel & <b>no</b> ''code''\n\n"
                 "  * first\n  * second\n\n^ a ^ b ^\n| 1 | 2 |\n")
    browser.follow("button[name='do[preview]']")
    browser.says("Äpfel & <b>no</b> code")
    browser.looks_right("one-4-preview")
    browser.follow("button[name='do[save]']")
    browser.see("h1", "Welcome")
    assert [e.text for e in browser.all("table.inline td")] == ["1", "2"]
    browser.looks_right("one-5-page")


def test_upload_and_show_a_picture(wiki, browser, scratch):
    data = picture.png(640, 400)
    file = scratch / "ramp.png"
    file.write_bytes(data)
    browser.go(wiki.url(wiki.one, "/doku.php?id=start&do=media&ns=wiki&tab_files=upload"))
    browser.upload("input[type=file]", file)
    browser.click("button[type=submit]", "Upload")
    browser.wait(lambda: (wiki.one.root / "data/media/wiki/ramp.png").exists(), "the upload")
    browser.looks_right("one-6-media")
    assert (wiki.one.root / "data/media/wiki/ramp.png").read_bytes() == data

    browser.go(wiki.url(wiki.one, "/doku.php?id=pictures:ramp&do=edit"))
    browser.fill("#wiki__text", "====== A picture ======\n{{wiki:ramp.png?320}}\n")
    browser.follow("button[name='do[save]']")
    browser.looks_right("one-7-picture", pictures=1)
    shown = browser.see("img[src*='ramp.png']").get_attribute("src")
    assert browser.js("return arguments[0].naturalWidth", browser.see("img[src*='ramp.png']")) == 320
    small = wiki.get(wiki.one, re.sub(r"^https?://[^/]+", "", shown))   # made by PHP's gd
    assert picture.size(small.body) == (320, 200)
    full = wiki.get(wiki.one, "/lib/exe/fetch.php?media=wiki:ramp.png")
    assert full.status == 200 and full.body == data and full.get("Content-Type") == "image/png"
    part = wiki.get(wiki.one, "/lib/exe/fetch.php?media=wiki:ramp.png",
                    fields=[("Range", "bytes=100-199")])   # the application's own ranges
    assert part.status == 206 and part.body == data[100:200]


def test_search_and_history(wiki, browser):
    browser.go(wiki.url(wiki.one, "/doku.php?id=start"))
    browser.fill("#qsearch__in", "Äpfel")
    browser.follow("#dw__search button[type=submit]")
    browser.see(".search_results a", "start")
    browser.looks_right("one-8-search")
    browser.go(wiki.url(wiki.one, "/doku.php?id=start&do=revisions"))
    browser.looks_right("one-9-history")


def test_path_info_links(wiki, browser):
    """Nice URLs through PATH_INFO, set as an administrator of the wiki does."""
    browser.go(wiki.url(wiki.one, "/doku.php?id=start&do=admin&page=config"))
    browser.choose("select[name='config[userewrite]']", "2")
    browser.follow("#dw__configform button[type=submit]")
    browser.says("Settings updated successfully")
    browser.looks_right("one-10-configured")
    browser.go(wiki.url(wiki.one, "/doku.php/pictures:ramp"))
    browser.see("h1", "A picture")
    browser.looks_right("one-11-path-info", pictures=1)
    assert "/lib/exe/fetch.php/wiki:ramp.png" in browser.see("img.media").get_attribute("src")
    missing = wiki.get(wiki.one, "/doku.php/no:such:page")
    assert "This topic does not exist yet" in missing.text


def test_feed_and_ajax(wiki):
    feed = wiki.get(wiki.one, "/feed.php")
    assert feed.status == 200 and "<rdf:RDF" in feed.text and "pictures:ramp" in feed.text
    found = wiki.get(wiki.one, "/lib/exe/ajax.php", "POST", body=b"call=qsearch&q=ramp",
                     fields=[("Content-Type", "application/x-www-form-urlencoded")])
    assert found.status == 200 and "pictures:ramp" in found.text


def test_other_wiki_is_another(wiki, browser):
    browser.go(wiki.url(wiki.two, "/doku.php?id=start"))
    assert "Welcome" not in browser.text()
    assert wiki.get(wiki.two, "/lib/exe/fetch.php?media=wiki:ramp.png").status == 404


def test_walls(wiki):
    walls.hold(wiki.server, wiki.one, wiki.two, "conf/users.auth.php")
