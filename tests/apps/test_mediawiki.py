"""MediaWiki: its wizard of eight pages, short URLs, an edit, a picture with a thumbnail, APIs."""
import json
import re

import pytest

import packages
import picture
import walls
from conftest import make_house

PASSWORD = "correct horse battery 7"
# what MediaWiki's manual has an administrator add: short URLs, uploads. Debian's wizard
# would have all installations of a machine cache in one place in /var
SETTINGS = """
$wgArticlePath = "/wiki/$1";
$wgUsePathInfo = true;
$wgEnableUploads = true;
$wgUseImageMagick = false;
$wgCacheDirectory = "$IP/cache";
"""


@pytest.fixture(scope="module")
def wiki(browser, mariadb):
    for h in make_house(packages.MEDIAWIKI, browser, fallback="/index.php"):
        h.mariadb = mariadb
        yield h


@pytest.mark.parametrize("which", ["one", "two"])
def test_install(wiki, browser, which):
    site, name = getattr(wiki, which), f"mw_{which}"
    password = wiki.mariadb.database(name)
    browser.go(wiki.url(site))
    browser.says("LocalSettings.php not found")
    browser.go(wiki.url(site, "/mw-config/index.php"))
    browser.looks_right(f"{which}-1-language")
    browser.follow("input[name=submit-continue]")
    browser.says("Environmental checks")
    browser.looks_right(f"{which}-2-environment")
    browser.follow("input[name=submit-continue]")
    browser.fill("#mysql_wgDBserver", f"localhost:{wiki.mariadb.socket}")
    browser.fill("#mysql_wgDBname", name)
    browser.fill("#mysql__InstallUser", name)
    browser.fill("#mysql__InstallPassword", password)
    browser.looks_right(f"{which}-3-database")
    browser.follow("input[name=submit-continue]")
    browser.follow("input[name=submit-continue]")
    browser.fill("#config_wgSitename", f"Wiki{which}")
    browser.fill("#config__AdminName", which)
    browser.fill("#config__AdminPassword", PASSWORD)
    browser.fill("#config__AdminPasswordConfirm", PASSWORD)
    browser.click("#config__SkipOptional_skip")
    browser.follow("input[name=submit-continue]")
    browser.looks_right(f"{which}-4-name")
    browser.follow("input[name=submit-continue]")
    browser.says("done")
    browser.follow("input[name=submit-continue]")
    browser.says("You have installed MediaWiki")
    browser.looks_right(f"{which}-5-installed")
    file = browser.downloads / "LocalSettings.php"   # sent by the wizard, to be put in place
    browser.wait(file.exists, "LocalSettings.php")
    site.write("LocalSettings.php", file.read_text() + SETTINGS)
    file.unlink()


@pytest.mark.parametrize("which", ["one", "two"])
def test_log_in(wiki, browser, which):
    browser.go(wiki.url(getattr(wiki, which), "/wiki/Special:UserLogin"))
    browser.fill("#wpName1", which)
    browser.fill("#wpPassword1", PASSWORD)
    browser.follow("#wpLoginAttempt")
    browser.see("#pt-userpage, #pt-userpage-2", which.capitalize())
    browser.looks_right(f"{which}-6-logged-in")


def test_edit_with_preview(wiki, browser):
    browser.go(wiki.url(wiki.one, "/index.php?title=Grüße/aus_Köln&action=edit"))
    browser.fill("#wpTextbox1", "== A heading ==\nÄpfel & '''bold'''\n* first\n* second\n")
    browser.follow("#wpPreview")
    browser.see("#wikiPreview b", "bold")
    browser.looks_right("one-7-preview")
    browser.follow("#wpSave")
    browser.see("h1", "Grüße/aus Köln")
    assert browser.url == wiki.url(wiki.one, "/wiki/Gr%C3%BC%C3%9Fe/aus_K%C3%B6ln")
    browser.looks_right("one-8-page")


def test_upload_and_show_a_picture(wiki, browser, scratch):
    file = scratch / "ramp-for-mediawiki.png"
    file.write_bytes(picture.png(800, 600))
    browser.go(wiki.url(wiki.one, "/wiki/Special:Upload"))
    browser.upload("#wpUploadFile", file)
    browser.fill("#wpDestFile", "Ramp.png")
    browser.follow("input[name=wpUpload]")
    browser.see("h1", "File:Ramp.png")
    browser.looks_right("one-9-file", pictures=1)
    browser.go(wiki.url(wiki.one, "/index.php?title=Picture&action=edit"))
    browser.fill("#wpTextbox1", "[[File:Ramp.png|thumb|200px|A ramp]]\n")
    browser.follow("#wpSave")
    browser.looks_right("one-10-thumbnail", pictures=1)
    source = browser.see(".thumbimage, figure img").get_attribute("src")
    small = wiki.get(wiki.one, re.sub(r"^https?://[^/]+", "", source))
    assert picture.size(small.body) == (200, 150)
    full = next(wiki.one.root.glob("images/?/??/Ramp.png"))
    answer = wiki.get(wiki.one, f"/{full.relative_to(wiki.one.root)}")
    assert answer.body == file.read_bytes() and full.stat().st_uid == wiki.one.uid


def test_search_and_changes(wiki, browser):
    browser.go(wiki.url(wiki.one, "/wiki/Special:RecentChanges"))
    browser.see(".mw-changeslist", "Picture")
    browser.looks_right("one-11-changes")
    browser.go(wiki.url(wiki.one, "/index.php?search=heading&title=Special:Search&fulltext=1"))
    browser.says("aus Köln")
    browser.looks_right("one-12-search")


def test_apis(wiki):
    ask = wiki.get(wiki.one, "/api.php?action=query&titles=Picture&prop=revisions&rvprop=content"
                   "&rvslots=main&format=json&formatversion=2")
    page = json.loads(ask.text)["query"]["pages"][0]
    assert "Ramp.png" in page["revisions"][0]["slots"]["main"]["content"]
    rest = wiki.get(wiki.one, "/rest.php/v1/page/Picture")   # PATH_INFO
    assert rest.status == 200 and "Ramp.png" in json.loads(rest.text)["source"]
    refused = wiki.get(wiki.one, "/api.php", "POST", body=b"action=edit&title=X&text=Y&format=json",
                       fields=[("Content-Type", "application/x-www-form-urlencoded")])
    assert json.loads(refused.text)["error"]["code"] in ("notoken", "missingparam")


def test_links(wiki):
    get = wiki.get
    assert get(wiki.one, "/").status == 301
    assert get(wiki.one, "/wiki/Picture").status == 200
    assert get(wiki.one, "/index.php/Picture").status in (200, 301)
    assert get(wiki.one, "/wiki/No_such_page").status == 404   # and MediaWiki's own words
    assert "There is currently no text" in get(wiki.one, "/wiki/No_such_page").text
    encoded = get(wiki.one, "/wiki/Gr%C3%BC%C3%9Fe/aus_K%C3%B6ln")
    assert encoded.status == 200 and "A heading" in encoded.text
    again = get(wiki.one, "/wiki/Picture", fields=[
        ("If-Modified-Since", get(wiki.one, "/wiki/Picture").get("Last-Modified"))])
    assert again.status == 304 and again.body == b""
    assert get(wiki.one, "/LocalSettings.php").body == b""


def test_other_wiki_is_another(wiki):
    assert wiki.get(wiki.two, "/wiki/Picture").status == 404
    assert "Wikitwo" in wiki.get(wiki.two, "/wiki/Main_Page").text


def test_walls(wiki):
    walls.hold(wiki.server, wiki.one, wiki.two, "LocalSettings.php")
