"""WordPress with MariaDB: the wizard, a post with a picture, permalinks, REST, XML-RPC, the walls."""
import base64
import json
import re
import xmlrpc.client

import pytest

import packages
import picture
import walls
from conftest import make_house

PASSWORD = "correct horse battery 7"
TITLE = "A post with a picture"


@pytest.fixture(scope="module")
def blog(browser, mariadb):
    # "local" lets WordPress take application passwords without TLS
    for h in make_house(packages.WORDPRESS, browser, fallback="/index.php",
                        php={"env": {"WP_ENVIRONMENT_TYPE": "local"}}):
        h.mariadb = mariadb
        yield h


@pytest.fixture(scope="module")
def ramp(scratch):
    path = scratch / "ramp.png"
    path.write_bytes(picture.png())
    return path


def js(blog, path, expect=200, site=None, **more):
    answer = blog.get(site or blog.one, path, **more)
    assert answer.status == expect, answer
    assert answer.get("Content-Type").startswith("application/json"), answer
    return json.loads(answer.text)


@pytest.mark.parametrize("which", ["one", "two"])
def test_install(blog, browser, which):
    site, name = getattr(blog, which), f"wp_{which}"
    password = blog.mariadb.database(name)
    browser.go(blog.url(site))   # nothing is configured: the wizard comes by itself
    assert "/wp-admin/setup-config.php" in browser.url
    browser.looks_right(f"{which}-1-wizard")
    if browser.all("#language"):
        browser.follow("#language-continue")
    browser.follow("a.button", "Let’s go!")
    browser.fill("#dbname", name)
    browser.fill("#uname", name)
    browser.fill("#pwd", password)
    browser.fill("#dbhost", f"localhost:{blog.mariadb.socket}")
    browser.looks_right(f"{which}-2-database")
    browser.follow("input[name=submit]")
    browser.says("You’ve made it through this part of the installation")
    config = site.root / "wp-config.php"   # written by WordPress, as the user
    assert config.stat().st_uid == site.uid
    stays_inside(config)
    browser.follow("a.button", "Run the installation")
    browser.fill("#weblog_title", f"The blog of {which}")
    browser.fill("#user_login", which)
    browser.fill("#pass1", PASSWORD)
    browser.fill("#admin_email", f"{which}@example.org")
    browser.looks_right(f"{which}-3-site")
    browser.follow("#submit")
    browser.says("WordPress has been installed")
    browser.looks_right(f"{which}-4-installed")


def stays_inside(config):
    """WordPress's own switch for machines that lead nowhere: no look for news at its authors'."""
    text = config.read_text()
    assert text.count("/* That's all") == 1, text
    config.write_text(text.replace("/* That's all",
                                   "define('WP_HTTP_BLOCK_EXTERNAL', true);\n/* That's all"))


@pytest.mark.parametrize("which", ["one", "two"])
def test_log_in(blog, browser, which):
    browser.go(blog.url(getattr(blog, which), "/wp-admin/"))
    assert "/wp-login.php" in browser.url
    browser.looks_right(f"{which}-5-login")
    browser.fill("#user_login", which)
    browser.fill("#user_pass", "not the password")
    browser.follow("#wp-submit")
    browser.says("incorrect")
    browser.fill("#user_pass", PASSWORD)
    browser.follow("#wp-submit")
    browser.see("#wpadminbar", f"The blog of {which}")
    browser.looks_right(f"{which}-6-dashboard")


def test_permalinks(blog, browser):
    """/%postname%/, which needs the fallback; and no .htaccess is asked for."""
    browser.go(blog.url(blog.one, "/wp-admin/options-permalink.php"))
    browser.click("#custom_selection")
    browser.fill("#permalink_structure", "/%postname%/")
    browser.follow("#submit")
    browser.says("Permalink structure updated")
    browser.looks_right("one-7-permalinks")


def test_write_a_post_with_a_picture(blog, browser, ramp):
    browser.allowed.add("/block-directory/")   # WordPress looks for blocks at its authors'
    browser.go(blog.url(blog.one, "/wp-admin/post-new.php"))
    browser.see(".edit-post-header, .editor-header")
    browser.wait(lambda: browser.all(".components-modal__screen-overlay")
                 or browser.js("return document.readyState === 'complete'"), "the editor")
    browser.click(".components-modal__header button")   # the guide of the first time
    browser.see(".editor-post-title__input").send_keys(TITLE)
    browser.click("button.block-editor-inserter__toggle, .edit-post-header-toolbar__inserter-toggle")
    browser.fill(".block-editor-inserter__search input", "image")
    browser.click("button.editor-block-list-item-image")
    browser.upload(".wp-block-image input[type=file]", ramp)
    browser.wait(lambda: "/wp-content/uploads/" in (browser.see(".wp-block-image img")
                                                    .get_attribute("src") or ""), "the upload")
    browser.looks_right("one-8-editor", pictures=1)
    browser.click(".editor-post-publish-panel__toggle, .editor-post-publish-button__button",
                  "Publish")
    browser.click(".editor-post-publish-panel button.editor-post-publish-button", "Publish")
    browser.see(".components-snackbar, .post-publish-panel__postpublish", "")
    browser.looks_right("one-9-published", pictures=1)


def test_read_it_as_a_visitor(blog, browser, ramp):
    browser.go(blog.url(blog.one, "/wp-admin/"))
    browser.go(browser.all("#wp-admin-bar-logout a")[0].get_attribute("href"))
    browser.says("You are now logged out")
    browser.go(blog.url(blog.one, "/"))
    browser.looks_right("one-10-front-page")
    browser.follow("h2 a, h3 a", TITLE)
    assert browser.url == blog.url(blog.one, "/a-post-with-a-picture/")
    browser.looks_right("one-11-post", pictures=1)
    shown = browser.see(".wp-block-image img")
    assert browser.js("return arguments[0].naturalWidth", shown) > 0
    # the file as it was uploaded, from the worker; the sizes that WordPress made of it, by PHP
    full = next(iter(blog.one.root.glob("wp-content/uploads/*/*/ramp.png")))
    answer = blog.get(blog.one, f"/{full.relative_to(blog.one.root)}")
    assert answer.status == 200 and answer.body == ramp.read_bytes()
    assert answer.get("ETag") and answer.get("Content-Type") == "image/png"
    assert answer.get("X-Powered-By") is None
    small = next(iter(full.parent.glob("ramp-300x*.png")))
    answer = blog.get(blog.one, f"/{small.relative_to(blog.one.root)}")
    assert picture.size(answer.body) == (300, 200)
    assert full.stat().st_uid == small.stat().st_uid == blog.one.uid


def test_comment(blog, browser):
    browser.go(blog.url(blog.one, "/a-post-with-a-picture/"))
    browser.fill("#comment", "Well seen! Grüße")
    browser.fill("#author", "A visitor")
    browser.fill("#email", "visitor@example.org")
    browser.follow("#commentform input[type=submit]")
    browser.says("awaiting moderation")
    browser.looks_right("one-12-comment", pictures=1)


def test_links_of_all_kinds(blog):
    """What the fallback and PATH_INFO lead to, and what WordPress itself sends elsewhere."""
    get = blog.get
    assert TITLE in get(blog.one, "/index.php/a-post-with-a-picture/").text or get(
        blog.one, "/index.php/a-post-with-a-picture/").status == 301
    moved = get(blog.one, "/a-post-with-a-picture")
    assert moved.status == 301
    assert moved.get("Location") == blog.url(blog.one, "/a-post-with-a-picture/")
    assert get(blog.one, "/feed/").get("Content-Type").startswith("application/rss+xml")
    assert "<sitemapindex" in get(blog.one, "/wp-sitemap.xml").text
    assert "Disallow: /wp-admin/" in get(blog.one, "/robots.txt").text
    found = get(blog.one, "/?s=picture")
    assert found.status == 200 and TITLE in found.text
    missing = get(blog.one, "/no/such/page/")
    assert missing.status == 404 and "The blog of one" in missing.text   # WordPress's own page
    assert get(blog.one, "/wp-content/no-such.png").status == 404
    assert get(blog.one, "/wp-config.php").body == b""
    assert b"DB_PASSWORD" not in get(blog.one, "/wp-config.php/x").body
    assert get(blog.one, "/wp-config.php~").status == 404
    head = get(blog.one, "/a-post-with-a-picture/", "HEAD")
    assert head.status == 200 and head.body == b""


def test_compressed_and_conditional(blog):
    page = blog.get(blog.one, "/", fields=[("Accept-Encoding", "gzip")])
    assert page.status == 200 and page.get("Content-Encoding") == "gzip"
    style = "/wp-includes/css/dist/block-library/style.min.css"
    first = blog.get(blog.one, style)
    again = blog.get(blog.one, style, fields=[("If-None-Match", first.get("ETag"))])
    assert first.status == 200 and again.status == 304


def application_password(blog, browser):
    browser.go(blog.url(blog.one, "/wp-admin/profile.php"))
    if "/wp-login.php" in browser.url:
        browser.fill("#user_login", "one")
        browser.fill("#user_pass", PASSWORD)
        browser.follow("#wp-submit")
    browser.fill("#new_application_password_name", "tests")
    browser.click("#do_new_application_password")
    return browser.see("#new-application-password-value").get_attribute("value")


def test_rest_api(blog, browser):
    found = js(blog, "/wp-json/wp/v2/posts?search=picture")
    assert [p["title"]["rendered"] for p in found] == [TITLE]
    assert js(blog, "/?rest_route=/")["name"] == "The blog of one"
    assert js(blog, "/wp-json/wp/v2/posts", 401, method="POST",
              body=b"{}", fields=[("Content-Type", "application/json")])["code"]

    token = base64.b64encode(f"one:{application_password(blog, browser)}".encode()).decode()
    browser.looks_right("one-13-profile")
    who = [("Authorization", f"Basic {token}"), ("Content-Type", "application/json")]
    made = js(blog, "/wp-json/wp/v2/posts", 201, method="POST", fields=who, body=json.dumps(
        {"title": "By REST", "content": "Grüße", "status": "publish"}).encode())
    changed = js(blog, f"/wp-json/wp/v2/posts/{made['id']}", method="PUT", fields=who,
                 body=b'{"title": "Changed by REST"}')
    assert changed["title"]["raw"] == "Changed by REST"
    assert "Changed by REST" in blog.get(blog.one, "/by-rest/").text
    js(blog, f"/wp-json/wp/v2/posts/{made['id']}?force=true", method="DELETE", fields=who)
    js(blog, f"/wp-json/wp/v2/posts/{made['id']}", 404)
    upload = js(blog, "/wp-json/wp/v2/media", 201, method="POST", body=picture.png(64, 48), fields=[
        who[0], ("Content-Type", "image/png"),
        ("Content-Disposition", 'attachment; filename="small.png"')])
    path = re.sub(r"^https?://[^/]+", "", upload["source_url"])
    assert picture.size(blog.get(blog.one, path).body) == (64, 48)


def call(blog, method, *args, chunked=False):
    body = xmlrpc.client.dumps(args, method).encode()
    fields = [("Content-Type", "text/xml")]
    if chunked:   # as some clients do; PHP sees a length all the same
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in
                        (body[:50], body[50:])) + b"0\r\n\r\n"
    answer = blog.get(blog.one, "/xmlrpc.php", "POST", body=body, fields=fields)
    assert answer.status == 200, answer
    return xmlrpc.client.loads(answer.text)[0][0]


def test_xml_rpc(blog):
    assert "wp.newPost" in call(blog, "system.listMethods")
    with pytest.raises(xmlrpc.client.Fault, match="Incorrect username or password"):
        call(blog, "wp.getPosts", 1, "one", "wrong")
    number = call(blog, "wp.newPost", 1, "one", PASSWORD, {
        "post_title": "By XML-RPC", "post_content": "x" * 300000, "post_status": "publish"})
    post = call(blog, "wp.getPost", 1, "one", PASSWORD, number, chunked=True)
    assert post["post_title"] == "By XML-RPC" and len(post["post_content"]) == 300000
    sent = call(blog, "wp.uploadFile", 1, "one", PASSWORD, {
        "name": "rpc.png", "type": "image/png", "bits": xmlrpc.client.Binary(picture.png(32, 32))})
    path = re.sub(r"^https?://[^/]+", "", sent["url"])
    assert picture.size(blog.get(blog.one, path).body) == (32, 32)


def test_other_blog_is_another(blog):
    assert "The blog of two" in blog.get(blog.two, "/").text
    assert TITLE not in blog.get(blog.two, "/").text
    refused = blog.mariadb.sql("SELECT * FROM wp_two.wp_users", "wp_one",
                               "wp_one has a password", expect=1)
    assert "denied" in refused


def test_walls(blog):
    walls.hold(blog.server, blog.one, blog.two, "wp-config.php")
