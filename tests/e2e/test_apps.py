"""Presets: trees shaped like the real applications, asked as their visitors and attackers would."""
import json
from types import SimpleNamespace

import pytest

from house import REPO, Box, hostel

pytestmark = pytest.mark.usefixtures("php_cgi")

# which script ran, and what it was told
ECHO = ("<?php header('Content-Type: application/json'); echo json_encode(['ran' => "
        "substr(__FILE__, strlen($_SERVER['DOCUMENT_ROOT'])), 'uri' => $_SERVER['REQUEST_URI'],"
        " 'name' => $_SERVER['SCRIPT_NAME'], 'info' => $_SERVER['PATH_INFO'] ?? null, 'get' => "
        "$_GET, 'front' => $_SERVER['front_controller_active'] ?? null, 'method' => "
        "$_SERVER['REQUEST_METHOD'], 'body' => file_get_contents('php://input')]);")
EVIL = "<?php echo 'EVIL ran';"

# Of each: scripts, files (their text is their name), and what visitors meet. "->" a script by
# its name, maybe with path info behind a blank; a number: the status, and nothing of the file.
APPS = {
    "wordpress": {
        "scripts": ["index.php", "wp-login.php", "wp-admin/index.php", "wp-admin/admin-ajax.php",
                    "xmlrpc.php", "wp-config.php", "wp-includes/version.php", "wp-cron.php",
                    "wp-includes/js/tinymce/wp-tinymce.php", "wp-admin/includes/file.php",
                    "wp-content/plugins/shop/notify.php"],
        "files": ["wp-content/themes/t/style.css", "wp-content/uploads/2026/11/photo.jpg",
                  "wp-config.old", "wp-config.php.old", "wp-config.php.txt", "dump.sql.gz",
                  "wp-content/uploads/dump.sql", "vendor/autoload.txt",
                  "wp-content/plugins/shop/vendor/a.css",
                  "wp-includes/js/jquery.js", "wp-content/debug.log", "backup.sql", ".env",
                  "wp-config.php.bak", "wp-content/plugins/shop/composer.json"],
        "evil": ["wp-content/uploads/2026/11/shell.php", "wp-content/uploads/x.PHTML",
                 "wp-content/uploads/x.php7", "blog/wp-content/uploads/shell.php",
                 "wp-content/uploads/wp-includes/js/tinymce/wp-tinymce.php",
                 "wp-content/plugins/shop/vendor/phpunit/eval-stdin.php",
                 "blog/wp-config.php"],
        "visits": {
            "/": "-> /index.php", "/2026/11/hello-world/": "-> /index.php",
            "/wp-json/wp/v2/posts?per_page=1": "-> /index.php",
            "/wp-login.php": "-> /wp-login.php", "/wp-admin/": "-> /wp-admin/index.php",
            "/wp-admin/admin-ajax.php?action=x": "-> /wp-admin/admin-ajax.php",
            "/xmlrpc.php": "-> /xmlrpc.php", "/wp-cron.php": "-> /wp-cron.php",
            "/wp-content/plugins/shop/notify.php": "-> /wp-content/plugins/shop/notify.php",
            "/wp-includes/js/tinymce/wp-tinymce.php": "-> /wp-includes/js/tinymce/wp-tinymce.php",
            "/wp-content/themes/t/style.css": 200, "/wp-includes/js/jquery.js": 200,
            "/wp-content/uploads/2026/11/photo.jpg": 200,
            "/wp-config.php": 403, "/wp-includes/version.php": 403,
            "/wp-admin/includes/file.php": 403, "/wp-content/debug.log": 403,
            "/backup.sql": 404, "/.env": 404, "/wp-config.php.bak": 403,
            "/wp-content/plugins/shop/composer.json": 404,
            "/wp-content/uploads/2026/11/shell.php": 403,
            "/wp-content/uploads/2026/11/shell.php/x": 403,
            "/blog/wp-content/uploads/shell.php": 403, "/blog/wp-config.php": 403,
            "/wp-content/uploads/wp-includes/js/tinymce/wp-tinymce.php": 403,
            "/wp-content/plugins/shop/vendor/phpunit/eval-stdin.php": 403,
            "/wp-content/plugins/shop/vendor/a.css": 200, "/vendor/autoload.txt": 404,
            "/vendor": 404, "/vendor/a-shop/": "-> /index.php", "/wp-config.old": 403, "/wp-config.php.old": 403,
            "/wp-config.php.txt": 403, "/dump.sql.gz": 404,
            "/wp-content/uploads/dump.sql": 404,
            "/wp-content/uploads/x.PHTML": 403, "/wp-content/uploads/x.php7": 403,
        }},
    "laravel": {
        "scripts": ["index.php"],
        "files": ["css/app.css", "build/manifest.json", "vendor/horizon/app.js", "web.config",
                  ".htaccess", "composer.json", "composer.lock", "artisan", "dump.sql"],
        "evil": ["info.php", "vendor/phpunit/eval-stdin.php"],
        "visits": {
            "/": "-> /index.php", "/users/7/edit?tab=2": "-> /index.php",
            "/index.php/users": "-> /index.php /users", "/gone.php": "-> /index.php",
            "/css/app.css": 200, "/vendor/horizon/app.js": 200, "/web.config": 404,
            "/composer.json": 404, "/composer.lock": 404, "/artisan": 404, "/dump.sql": 404,
            "/.htaccess": 404, "/info.php": 403, "/vendor/phpunit/eval-stdin.php": 403}},
    "symfony": {
        "scripts": ["index.php"], "files": ["bundles/b/x.css", "build/app.js", "composer.json",
                                            "vendor/b/x.yaml"],
        "evil": ["app_dev.php", "uploads/s.php"],
        "visits": {"/": "-> /index.php", "/_profiler/1": "-> /index.php",
                   "/bundles/b/x.css": 200, "/app_dev.php": 403, "/uploads/s.php": 403,
                   "/composer.json": 404, "/vendor/b/x.yaml": 404, "/vendor/b": 404,
                   "/index.php/blog": "-> /index.php /blog"}},
    "front-controller": {
        "scripts": ["index.php", "tool.php"], "files": ["a.css", "vendor/x/README", "dump.sql",
                                                        "composer.json", "composer.lock"],
        "evil": ["uploads/s.php"],
        "visits": {"/any/thing?x=1": "-> /index.php", "/tool.php": "-> /tool.php", "/a.css": 200,
                   "/vendor/x/README": 404, "/dump.sql": 404, "/composer.json": 404,
                   "/composer.lock": 404, "/uploads/s.php": 403}},
    "drupal": {
        "scripts": ["index.php", "update.php", "core/install.php", "core/rebuild.php",
                    "core/modules/statistics/statistics.php", "autoload.php"],
        "files": ["core/misc/drupal.js", "sites/default/files/pic.png", "core/core.info.yml",
                  "core/includes/bootstrap.inc", "core/modules/node/node.module", "composer.json",
                  "vendor/autoload_real.txt", "sites/default/private/secret.txt",
                  "core/themes/x/page.html.twig", "sites/default/settings.php~"],
        "evil": ["sites/default/files/shell.php", "sites/default/settings.php",
                 "core/lib/Drupal.php", "modules/contrib/m/x.php"],
        "visits": {
            "/": "-> /index.php", "/node/1": "-> /index.php", "/update.php": "-> /update.php",
            "/update.php/selection": "-> /update.php /selection",
            "/core/install.php": "-> /core/install.php",
            "/core/modules/statistics/statistics.php": "-> /core/modules/statistics/statistics.php",
            "/sites/default/files/styles/large/new.png": "-> /index.php",
            "/core/misc/drupal.js": 200, "/sites/default/files/pic.png": 200,
            "/core/core.info.yml": 404, "/core/includes/bootstrap.inc": 404,
            "/core/modules/node/node.module": 404, "/composer.json": 404, "/autoload.php": 403,
            "/vendor/autoload_real.txt": 404, "/sites/default/private/secret.txt": 404,
            "/core/themes/x/page.html.twig": 404, "/sites/default/settings.php~": 403,
            "/sites/default/files/shell.php": 403, "/sites/default/settings.php": 403,
            "/core/lib/Drupal.php": 403, "/modules/contrib/m/x.php": 403}},
    "joomla": {
        "scripts": ["index.php", "administrator/index.php", "api/index.php",
                    "administrator/components/com_joomlaupdate/extract.php"],
        "files": ["media/system/js/core.js", "images/pic.jpg", "htaccess.txt", "tmp/x.zip",
                  "administrator/logs/error.txt", "language/en-GB/joomla.ini",
                  "configuration.php-dist", "cli/README"],
        "evil": ["images/shell.php", "configuration.php", "libraries/loader.php",
                 "administrator/components/com_x/x.php", "cli/joomla.php"],
        "visits": {
            "/": "-> /index.php", "/blog/first-article": "-> /index.php",
            "/administrator/": "-> /administrator/index.php",
            "/api/index.php/v1/content/articles": "-> /api/index.php /v1/content/articles",
            "/api/v1/content/articles": "-> /api/index.php",
            "/administrator/components/com_joomlaupdate/extract.php":
                "-> /administrator/components/com_joomlaupdate/extract.php",
            "/media/system/js/core.js": 200, "/images/pic.jpg": 200, "/htaccess.txt": 404,
            "/tmp/x.zip": 404, "/administrator/logs/error.txt": 404,
            "/language/en-GB/joomla.ini": 404, "/configuration.php": 404,
            "/configuration.php-dist": 403, "/images/shell.php": 403, "/cli/README": 404,
            "/cli/joomla.php": 404, "/libraries/loader.php": 403,
            "/administrator/components/com_x/x.php": 403}},
    "dokuwiki": {
        "scripts": ["index.php", "doku.php", "lib/exe/fetch.php", "lib/exe/detail.php",
                    "lib/exe/css.php", "lib/exe/ajax.php", "install.php", "feed.php"],
        "files": ["lib/tpl/dokuwiki/images/logo.png", "data/pages/start.txt", "conf/users.auth",
                  "conf/local.txt", "inc/x.txt", "vendor/y.txt", "README", "data/media/a.png"],
        "evil": ["data/media/shell.php", "bin/render.php", "inc/init.php"],
        "visits": {
            "/": "-> /index.php", "/doku.php?id=start": "-> /doku.php",
            "/wiki/syntax": "-> /doku.php", "/_media/wiki/logo.png?w=80": "-> /lib/exe/fetch.php",
            "/_detail/wiki/logo.png": "-> /lib/exe/detail.php",
            "/_export/xhtml/wiki/syntax": "-> /doku.php", "/feed.php": "-> /feed.php",
            "/lib/exe/css.php?t=x": "-> /lib/exe/css.php", "/lib/tpl/": "-> /doku.php",
            "/doku.php/wiki/syntax": "-> /doku.php /wiki/syntax",
            "/lib/tpl/dokuwiki/images/logo.png": 200, "/data/pages/start.txt": 404,
            "/conf/users.auth": 404, "/conf/local.txt": 404, "/inc/x.txt": 404,
            "/vendor/y.txt": 404, "/README": 404, "/data/media/shell.php": 404,
            "/data/media/a.png": 404, "/bin/render.php": 404, "/inc/init.php": 404}},
    "mediawiki": {
        "scripts": ["index.php", "api.php", "load.php", "rest.php", "img_auth.php",
                    "thumb_handler.php", "mw-config/index.php", "LocalSettings.php"],
        "files": ["images/a/ab/Pic.png", "images/deleted/x.png", "skins/Vector/x.css",
                  "includes/x.txt", "languages/i18n/en.json", "composer.json", "cache/l10n.txt",
                  "maintenance/tables.txt"],
        "evil": ["images/shell.php", "maintenance/eval.php", "includes/Setup.php",
                 "extensions/E/E.php"],
        "visits": {
            "/": "-> /index.php", "/wiki/Main_Page": "-> /index.php", "/wiki": "-> /index.php",
            "/wiki/A/B?action=edit": "-> /index.php", "/api.php?action=query": "-> /api.php",
            "/rest.php/v1/page/Earth": "-> /rest.php /v1/page/Earth",
            "/index.php/Main_Page": "-> /index.php /Main_Page",
            "/mw-config/": "-> /mw-config/index.php", "/load.php?only=styles": "-> /load.php",
            "/images/thumb/a/ab/Pic.png/80px-Pic.png": "-> /thumb_handler.php",
            "/images/a/ab/Pic.png": 200, "/skins/Vector/x.css": 200, "/images/deleted/x.png": 404,
            "/includes/x.txt": 404, "/languages/i18n/en.json": 404, "/composer.json": 404,
            "/cache/l10n.txt": 404, "/maintenance/tables.txt": 404, "/images/shell.php": 403,
            "/maintenance/eval.php": 404, "/includes/Setup.php": 404, "/extensions/E/E.php": 403,
            "/LocalSettings.php": 404, "/nonsense": 404}},
    "nextcloud": {
        "scripts": ["index.php", "remote.php", "public.php", "cron.php", "status.php",
                    "ocs/v1.php", "ocs/v2.php", "core/ajax/update.php", "updater/index.php",
                    "ocs-provider/index.php", "version.php"],
        "files": ["core/img/logo.svg", "apps/files/js/files.mjs", "data/nextcloud.log",
                  "config/config.sample.txt", "lib/x.txt", "3rdparty/y.txt", "occ",
                  "core/skeleton/Documents/x.md"],
        "evil": ["data/alice/files/shell.php", "config/config.php", "lib/base.php",
                 "apps/files/lib/app.php", "console.php"],
        "visits": {
            "/": "-> /index.php", "/apps/files/": "-> /index.php /apps/files/",
            "/apps/files": 301, "/apps/calendar": "-> /index.php /apps/calendar",
            "/login?redirect_url=x": "-> /index.php /login", "/s/Ab12": "-> /index.php /s/Ab12",
            "/index.php/apps/files/": "-> /index.php /apps/files/",
            "/remote.php/dav/files/alice/dump.sql": "-> /remote.php /dav/files/alice/dump.sql",
            "/ocs/v2.php/cloud/capabilities": "-> /ocs/v2.php /cloud/capabilities",
            "/ocs/v1.php/config": "-> /ocs/v1.php /config", "/status.php": "-> /status.php",
            "/public.php/webdav": "-> /public.php /webdav", "/cron.php": "-> /cron.php",
            "/core/ajax/update.php": "-> /core/ajax/update.php",
            "/updater/": "-> /updater/index.php", "/ocs-provider/": "-> /ocs-provider/index.php",
            "/core/img/logo.svg": 200, "/apps/files/js/files.mjs": 200,
            "/data/nextcloud.log": 404, "/config/config.sample.txt": 404, "/lib/x.txt": 404,
            "/3rdparty/y.txt": 404, "/occ": 404, "/data/alice/files/shell.php": 404,
            "/config/config.php": 404, "/lib/base.php": 404, "/apps/files/lib/app.php": 403,
            "/console.php": 404, "/version.php": 403,
            "/.well-known/carddav": 301, "/.well-known/caldav": 301}},
}


@pytest.fixture(scope="module")
def apps():
    b = Box()
    sites = {}
    for name, app in APPS.items():
        s = sites[name] = b.site(f"{name}.test", php={"processes": 1}, app=name)
        for script in app["scripts"]:
            s.write(script, ECHO)
        for file in app["files"]:
            s.write(file, f"text of /{file}")
        for evil in app["evil"]:
            s.write(evil, EVIL)
    yield SimpleNamespace(box=b, sites=sites, server=b.serve())
    b.close()


def test_every_preset_is_tried():
    assert sorted(APPS) == sorted(p.stem for p in (REPO / "conf" / "apps").glob("*.yaml"))


@pytest.mark.parametrize("name,path,want", [
    pytest.param(name, path, want, id=f"{name} {path}")
    for name, app in APPS.items() for path, want in app["visits"].items()])
def test_visit(apps, name, path, want):
    r = apps.server.get(apps.sites[name], path)
    assert "EVIL" not in r.text and "<?php" not in r.text
    if isinstance(want, int):
        assert r.status == want, r
        assert (f"text of {path}" in r.text) == (want == 200)
        return
    script, _, info = want.removeprefix("-> ").partition(" ")
    got = json.loads(r.text)
    assert (r.status, got["ran"], got["name"]) == (200, script, script)
    assert got["info"] == (info or None)
    assert got["uri"] == path


def test_what_rewriting_tells_the_script(apps):
    def query(name, path):
        return json.loads(apps.server.get(apps.sites[name], path).text)["get"]

    assert query("dokuwiki", "/wiki/syntax?do=edit") == {"id": "wiki/syntax", "do": "edit"}
    assert query("dokuwiki", "/_media/a/b.png?w=80") == {"media": "a/b.png", "w": "80"}
    assert query("dokuwiki", "/_export/xhtml/a/b") == {"do": "export_xhtml", "id": "a/b"}
    # what a visitor writes stays one value, whatever is in it
    assert query("dokuwiki", "/a%26b%3Dc%23d?x=1") == {"id": "a&b=c#d", "x": "1"}
    assert query("wordpress", "/pretty/?s=a+b") == {"s": "a b"}
    got = json.loads(apps.server.get(apps.sites["nextcloud"], "/apps/files/").text)
    assert got["front"] == "true"
    r = apps.server.get(apps.sites["nextcloud"], "/remote/x%20y")
    assert (r.status, r.get("Location")) == (301, "/remote.php/x%20y")
    assert r.get("X-Robots-Tag") == "noindex, nofollow"


def test_a_body_goes_where_the_path_does(apps):
    r = apps.server.get(apps.sites["nextcloud"], "/remote.php/dav/a.txt", "PUT", body=b"content")
    got = json.loads(r.text)
    assert (got["method"], got["body"], got["info"]) == ("PUT", "content", "/dav/a.txt")
    got = json.loads(apps.server.get(apps.sites["laravel"], "/api/x", "POST", body=b"{}").text)
    assert (got["method"], got["body"]) == ("POST", "{}")


# --- rules by themselves ------------------------------------------------------------------------

@pytest.fixture(scope="module")
def paths():
    b = Box()
    s = b.site("paths.test", php={}, autoindex=True, files={
        "a.txt": "a", "up/pic.png": "pic", "up/x.php": EVIL, "up/ok.php": ECHO, "i/secret.txt": "s",
        "n/x.txt": "x", "f/x.txt": "x", "dir/index.php": ECHO, "dump.sql": "sql", "list/a.txt": "a",
        "list/b.sql": "b", "list/c.txt": "c", "q.php": ECHO, "lib/deep/x.php": ECHO,
        "docs/x.sql.php": ECHO},
        paths=[{"path": "/up/ok.php", "serve": "all"}, {"path": "/up/*", "serve": "static"},
               {"path": "/i/*", "serve": "internal"}, {"path": "/n/*", "serve": "nothing"},
               {"path": "/f/*", "serve": "forbidden"}, {"file": "*/index.php", "serve": "nothing"},
               {"file": "*.sql", "serve": "nothing"}],
        rewrites=[{"from": "/go/*/*", "to": "/q.php/$2?one=$1"},
                  {"from": "/x*", "to": "/lib/$1"}, {"from": "/none/*", "to": "/missing.php"},
                  {"from": "/none/*", "to": "/a.txt"}, {"from": "/hid/*", "to": "/n/$1"}],
        params={"APP_KEY": "k", "HTTPS_OFF": ""})
    yield SimpleNamespace(site=s, server=b.serve())
    b.close()


@pytest.mark.core
@pytest.mark.parametrize("path,status", [
    ("/a.txt", 200), ("/up/pic.png", 200), ("/up/x.php", 403), ("/up/x.php/i", 403),
    ("/up/./../up/x.php", 403), ("/up%2fx.php", 400), ("/%75p/x.php", 403), ("/up/ok.php", 200),
    ("/i/secret.txt", 404), ("/n/x.txt", 404), ("/f/x.txt", 403), ("/dir/", 404),
    ("/i", 404), ("/n", 404), ("/f", 403),
    ("/dir/index.php", 404), ("/dump.sql", 404), ("/q.php/dump.sql", 200), ("/none/x", 200),
    ("/hid/x.txt", 404), ("/docs/x.sql.php", 200), ("/gone", 404)])
def test_path_rules(paths, path, status):
    for method in ("GET", "HEAD", "POST"):
        if method == "POST" and status == 200 and ".php" not in path:
            continue
        r = paths.server.get(paths.site, path, method)
        assert r.status == status, (method, r)
        assert "EVIL" not in r.text


def test_an_error_page_is_no_way_round(box):
    """What is shown with an error alone is not in the cache for those who ask for it."""
    s = box.site("pages.test", files={"e/404.html": "not here"}, error_pages={"404": "/e/404.html"},
                 paths=[{"file": "/e/*", "serve": "forbidden"}])
    server = box.serve()
    for path, status in ("/gone", 404), ("/e/404.html", 403), ("/gone", 404):
        r = server.get(s, path)
        assert (r.status, r.text == "not here") == (status, status == 404)


def test_a_listing_does_not_show_what_is_not_served(paths):
    text = paths.server.get(paths.site, "/list/").text
    assert "a.txt" in text and "c.txt" in text and "b.sql" not in text


def test_rewrites(paths):
    got = json.loads(paths.server.get(paths.site, "/go/a%3Fb/c/d?two=2").text)
    assert (got["ran"], got["info"], got["get"]) == ("/q.php", "/c/d", {"one": "a?b", "two": "2"})
    # what a star stands for is part of a path: it leads no further than one that is asked for
    assert paths.server.get(paths.site, "/x../q.php").status in (200, 404)
    assert paths.server.get(paths.site, "/x../../../../etc/passwd").status in (400, 404)
    assert json.loads(paths.server.get(paths.site, "/xdeep/x.php").text)["ran"] == "/lib/deep/x.php"


def test_params(box):
    s = box.site("p.test", php={}, params={"APP_KEY": "k", "EMPTY": ""}, files={
        "v.php": "<?php echo json_encode([$_SERVER['APP_KEY'], $_SERVER['EMPTY'] ?? null]);"})
    assert json.loads(box.serve().get(s, "/v.php").text)[0] == "k"


# --- presets of one's own, and what is wrong with them ----------------------------------------

def check(box, *sites, **main):
    path, _ = box.config(**main)
    return hostel("check", "--config", path)


def own(box, text, name="mine"):
    (box.dir / "apps").mkdir(exist_ok=True)
    path = box.dir / "apps" / f"{name}.yaml"
    path.write_text(text)
    return path


def test_an_own_preset_goes_before(box):
    own(box, "fallback: /main.php\npaths: [{path: /up/*, serve: static}]\n")
    own(box, "fallback: /main.php\n", "wordpress")
    sites = [box.site(f"{app}.test", php={}, app=app, files={
        "main.php": ECHO, "up/x.php": EVIL, "up/y.php": ECHO}) for app in ("mine", "wordpress")]
    sites[0].vhost["paths"] = [{"path": "/up/y.php", "serve": "all"}]
    server = box.serve(app_dir=str(box.dir / "apps"))
    for s in sites:
        assert json.loads(server.get(s, "/any").text)["ran"] == "/main.php"
    assert server.get(sites[0], "/up/x.php").status == 403
    assert json.loads(server.get(sites[0], "/up/y.php").text)["ran"] == "/up/y.php"


@pytest.mark.parametrize("text,error", [
    ("fallback: index.php", "mine.yaml:1:11: `fallback` must begin with /"),
    ("root: /etc", "mine.yaml:1:1: `root` belongs in a vhost, not in a preset"),
    ("paths:\n  - {path: /x, serve: sometimes}",
     "mine.yaml:2:23: `serve` must be one of all static internal nothing forbidden"),
    ("paths: [{path: /x, file: /y, serve: all}]",
     "mine.yaml:1:9: an entry of `paths` must have one of path and file"),
    ("rewrites: [{from: /a, to: /b/$1}]", "mine.yaml:1:12: `to` has $1, but `from` has only 0 of *"),
    ("rewrites: [{from: /a, to: 'http://evil/'}]", "`to` must be a path in the site"),
    ("params: {SCRIPT_FILENAME: /etc/passwd}", "must not be a variable that the server sets"),
    ("params: {HTTP_HOST: x}", "must not be a variable that the server sets"),
    ("- fallback", "mine.yaml:1:1: a configuration must be a mapping"),
    ("paths: [{path: /x/*, serve: static, directory: /y}]", "`directory` needs `serve: internal`"),
    ("fallback: /a\nfallback: /b", "mine.yaml:2:1: `fallback` stands here twice"),
])
def test_errors_of_a_preset(box, text, error):
    own(box, text)
    for n in range(2):  # said once, however many name it
        box.site(f"e{n}.test", app="mine", uid=box.sites[0].uid if n else None)
    r = check(box, app_dir=str(box.dir / "apps"))
    assert r.returncode == 1
    assert error in r.stderr and r.stderr.count("mine.yaml") == 1, r.stderr


def test_an_app_that_does_not_exist(box):
    box.site("e.test", app="wordpres")
    r = check(box)
    assert r.returncode == 1
    assert "vhost e.test: app `wordpres` does not exist, did you mean `wordpress`?" in r.stderr
    box.sites[0].vhost["app"] = "../../etc/passwd"
    r = check(box)
    assert "`app` must be one word" in r.stderr
