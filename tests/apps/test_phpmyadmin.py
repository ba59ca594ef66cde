"""phpMyAdmin: log in with a cookie, browse, import 5 MB of SQL, query, export, the walls."""
import hashlib
import re

import pytest

import packages
import walls
from conftest import make_house

ROWS = 40000
CONFIG = """<?php
$cfg['blowfish_secret'] = '%s';
$cfg['Servers'][1] = ['auth_type' => 'cookie', 'host' => 'localhost', 'socket' => '%s'];
$cfg['SendErrorReports'] = 'never';
"""


@pytest.fixture(scope="module")
def admin(browser, mariadb):
    for h in make_house(packages.PHPMYADMIN, browser):
        h.mariadb = mariadb
        for site in h.both:
            configure(site, mariadb)
        yield h


def configure(site, mariadb):
    """Debian's file for the places of one installation a machine says where this one's are."""
    site.directory("tmp")
    vendor = site.root / "libraries/vendor_config.php"
    text = vendor.read_text()
    for theirs, ours in (("'/var/lib/phpmyadmin/tmp/'", "ROOT_PATH . 'tmp/'"),
                         ("'/etc/phpmyadmin/config.inc.php'", "ROOT_PATH . 'config.inc.php'")):
        assert text.count(theirs) == 1, theirs
        text = text.replace(theirs, ours)
    vendor.write_text(text)
    secret = hashlib.sha256(site.host.encode()).hexdigest()[:32]
    site.write("config.inc.php", CONFIG % (secret, mariadb.socket))


@pytest.fixture(scope="module")
def dump(scratch):
    """Over 5 MB of SQL, with text that an encoding would spoil and quotes to be kept."""
    path = scratch / "dump.sql"
    with open(path, "w", encoding="utf-8") as f:
        f.write("CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(40), note TEXT) "
                "DEFAULT CHARSET=utf8mb4;\n")
        for first in range(0, ROWS, 500):
            f.write("INSERT INTO people VALUES\n" + ",\n".join(
                f"({n}, 'Zoë O''Neil {n}', '{'note äöü ' * 12}{n}')"
                for n in range(first, first + 500)) + ";\n")
    assert path.stat().st_size > 5 << 20
    return path


def log_in(admin, browser, which):
    browser.go(admin.url(getattr(admin, which)))
    browser.see("#input_username")


@pytest.mark.parametrize("which", ["one", "two"])
def test_log_in(admin, browser, which):
    password = admin.mariadb.database(f"pma_{which}")
    log_in(admin, browser, which)
    browser.looks_right(f"{which}-1-login")
    browser.fill("#input_username", f"pma_{which}")
    browser.fill("#input_password", "not the password")
    browser.follow("#input_go")
    browser.says("Access denied")
    browser.fill("#input_username", f"pma_{which}")
    browser.fill("#input_password", password)
    browser.follow("#input_go")
    browser.says(f"pma_{which}@localhost")
    browser.looks_right(f"{which}-2-home", pictures=3)


def test_import(admin, browser, dump):
    browser.go(admin.url(admin.one, "/index.php?route=/database/import&db=pma_one"))
    browser.upload("#input_import_file", dump)
    browser.looks_right("one-3-import")
    browser.click("#buttonGo")
    browser.says("Import has been successfully finished")
    browser.looks_right("one-4-imported")
    # what arrived, asked of the database itself
    found = admin.mariadb.sql("SELECT COUNT(*), SUM(id), MAX(LENGTH(note)) FROM pma_one.people")
    longest = len(("note äöü " * 12 + str(ROWS - 1)).encode())
    assert found.split() == [str(ROWS), str(ROWS * (ROWS - 1) // 2), str(longest)]
    assert not list((admin.one.home / "tmp").glob("php*")), "the upload was left behind"


def test_browse(admin, browser):
    browser.go(admin.url(admin.one, "/index.php?route=/database/structure&db=pma_one"))
    browser.see("#tablesForm", "people")
    browser.looks_right("one-5-structure")
    browser.go(admin.url(admin.one, "/index.php?route=/sql&db=pma_one&table=people&pos=0"))
    browser.see("table.table_results", "Zoë O'Neil 0")
    browser.looks_right("one-6-browse", pictures=3)


def test_query(admin, browser):
    browser.go(admin.url(admin.one, "/index.php?route=/database/sql&db=pma_one"))
    browser.see("#sqlquery + .CodeMirror, #sqlqueryform .CodeMirror")
    browser.js("document.querySelector('#sqlquery').parentNode.querySelector('.CodeMirror')"
               ".CodeMirror.setValue(arguments[0])",
               "SELECT CONCAT('sum: ', SUM(id)) AS answer FROM people WHERE id < 10")
    browser.click("#button_submit_query")
    browser.see("table.table_results", "sum: 45")
    browser.looks_right("one-7-query")


def test_edit_a_row(admin, browser):
    browser.go(admin.url(admin.one, "/index.php?route=/sql&db=pma_one&table=people&pos=0"))
    browser.click("table.table_results tbody tr:nth-child(8) td.edit_row_anchor a")
    browser.see("#insertForm")
    name = browser.wait(lambda: next(
        (e for e in browser.all("#insertForm input, #insertForm textarea")
         if e.is_displayed() and e.get_attribute("value") == "Zoë O'Neil 7"), None), "the field of the name")
    name.clear()
    name.send_keys("Ænother näme")
    browser.looks_right("one-8-edit")
    browser.click("#insertForm input[type=submit][value=Go]")
    browser.says("1 row affected")
    assert admin.mariadb.sql("SELECT name FROM pma_one.people WHERE id=7") == "Ænother näme\n"


def test_export(admin, browser):
    """A download of several MB that PHP makes, into the browser's directory."""
    browser.go(admin.url(admin.one, "/index.php?route=/database/export&db=pma_one"))
    browser.looks_right("one-9-export")
    browser.click("#buttonGo")
    file = browser.downloads / "pma_one.sql"
    browser.wait(file.exists, "the download")
    text = file.read_text(encoding="utf-8")
    assert len(re.findall(r"^\(\d+, ", text, re.M)) == ROWS and "Ænother näme" in text
    assert len(file.read_bytes()) > 5 << 20


def test_other_sees_nothing(admin, browser):
    """The same MariaDB, another of its users: no database of one's."""
    browser.go(admin.url(admin.two, "/index.php?route=/server/databases"))
    browser.says("pma_two")
    assert "pma_one" not in browser.text()
    browser.looks_right("two-3-databases")


def test_walls(admin):
    walls.hold(admin.server, admin.one, admin.two, "config.inc.php")
