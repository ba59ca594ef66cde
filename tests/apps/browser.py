"""A person at Debian's Chromium: sees pages, fills forms, and notices what looks broken."""
import json
import os
import re
import shutil
import signal
import time

from selenium import webdriver
from selenium.common.exceptions import (JavascriptException, StaleElementReferenceException,
                                        TimeoutException, WebDriverException)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

import procs
from house import orphans, started
from procs import SLOW

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1280,1000", "--lang=en-US",
         # no page may lead out of this machine; Chromium itself resolves *.localhost
         "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE *.localhost")
PATIENCE = 20 * SLOW
# styles that did not come, pictures that are broken (a lazy one is not complete before it is seen)
BROKEN = """
const styles = [...document.querySelectorAll('link[rel~=stylesheet]')]
    .filter(l => !l.disabled && l.href.startsWith(location.origin));
return {
    styles: styles.length,
    rules: [...document.styleSheets].filter(s => !s.href || s.href.startsWith(location.origin))
        .reduce((n, s) => n + s.cssRules.length, 0),
    unstyled: styles.filter(l => !l.sheet).map(l => l.href),
    broken: [...document.images].filter(i => i.src.startsWith(location.origin) && i.complete
        && i.naturalWidth === 0 && i.src).map(i => i.src),
    pictures: [...document.images].filter(i => i.complete && i.naturalWidth > 0).length,
}"""
PHP_SAYS = re.compile(r"(Warning|Notice|Deprecated|Fatal error|Parse error)(</b>)?: .{1,400}? on "
                      r"line (<b>)?\d+", re.S)


class Browser:
    """One Chromium with an empty profile; close() ends it."""

    def __init__(self, scratch, shots):
        self.shots = shots
        shutil.rmtree(shots, ignore_errors=True)   # an earlier run's
        shots.mkdir(parents=True, exist_ok=True)
        home = scratch / "home"
        (home / "downloads").mkdir(parents=True)
        self.downloads = home / "downloads"
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={home / 'profile'}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory":
                                                  str(self.downloads)})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.service = Service("/usr/bin/chromedriver", log_path=str(scratch / "chromedriver.log"),
                               env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8",
                                    "TMPDIR": str(scratch)})
        self.driver = webdriver.Chrome(service=self.service, options=options)
        started.add(self.service.process.pid)
        self.driver.set_page_load_timeout(60 * SLOW)
        self.helpers = set()
        self.allowed = {"/favicon.ico"}   # what a test expects to be missing
    def claim(self):
        """Chromium's helpers whose parent is gone came to us: no server left them behind."""
        helpers = [p["pid"] for p in orphans() if procs.program(p["pid"]).startswith("chrom")]
        started.update(helpers)
        self.helpers |= set(helpers)

    def close(self):
        self.claim()
        try:
            self.driver.quit()
        finally:
            self.service.stop()
            for pid in self.helpers:   # zombies too: the number stays theirs until we wait
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    pass

    # --- looking --------------------------------------------------------------------------

    def wait(self, condition, what, seconds=PATIENCE):
        """Until condition() gives something; elements that are replaced meanwhile are no error."""
        def safe(_):
            try:
                return condition()
            except (StaleElementReferenceException, JavascriptException):
                return None
        try:
            return WebDriverWait(self.driver, seconds, 0.05).until(safe)
        except TimeoutException:
            raise AssertionError(f"waited in vain for {what} at {self.driver.current_url}: "
                                 f"{self.text()[:600]!r}") from None

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def see(self, css, text=""):
        """The first visible element that matches, when it is there."""
        return self.wait(lambda: next((e for e in self.all(css) if e.is_displayed()
                                       and text in e.text), None), f"{css} {text}".strip())

    def text(self):
        try:
            return self.driver.find_element(By.TAG_NAME, "body").text
        except WebDriverException:
            return ""

    def says(self, text):
        """The page shows this text."""
        self.wait(lambda: text in self.text(), f"the words {text!r}")

    def js(self, script, *args):
        return self.driver.execute_script(script, *args)

    @property
    def url(self):
        return self.driver.current_url

    # --- doing ----------------------------------------------------------------------------

    def go(self, url):
        self.driver.get(url)

    def fill(self, css, value):
        element = self.see(css)
        element.clear()
        element.send_keys(value)
        return element

    def choose(self, css, value):
        Select(self.see(css)).select_by_value(value)

    def upload(self, css, path):
        """Give a file to an input, which a page may hide behind something prettier."""
        self.wait(lambda: self.all(css), css)[0].send_keys(str(path))

    def click(self, css, text=""):
        def clicked():
            element = next((e for e in self.all(css) if e.is_displayed() and e.is_enabled()
                            and text in e.text), None)
            if not element:
                return False
            self.js("arguments[0].scrollIntoView({block: 'center'})", element)
            try:
                element.click()
            except WebDriverException as e:
                if "intercepted" in str(e):   # something slides over it just now
                    return False
                raise
            return True
        self.wait(clicked, f"{css} {text} to click")

    def follow(self, css, text=""):
        """Click what leads to another page, and wait until that has come."""
        self.js("window.beforeFollow = 1")
        self.click(css, text)
        self.wait(lambda: self.js("return !window.beforeFollow && document.readyState === "
                                  "'complete'"), f"the page after {css} {text}")

    # --- judging --------------------------------------------------------------------------

    def looks_right(self, name, pictures=0):
        """
        The page is whole: styles and pictures came, nothing of this machine was refused or
        failed, PHP complained of nothing. Keeps a screenshot.
        """
        self.wait(lambda: self.js("return document.readyState === 'complete'"), "the whole page")
        try:
            state = self.wait(lambda: self._state(pictures), f"{pictures} pictures")
            trouble = self.trouble()
        finally:
            self.shot(name)
        assert state["rules"] > 0, f"{self.url}: no style"
        assert not state["unstyled"], f"{self.url}: styles missing: {state['unstyled']}"
        assert not state["broken"], f"{self.url}: broken pictures: {state['broken']}"
        assert not trouble, f"{self.url}: {trouble}"
        said = PHP_SAYS.search(self.driver.page_source)
        assert not said, f"{self.url}: {said[0]}"

    def _state(self, pictures):
        state = self.js(BROKEN)
        return state if state["pictures"] >= pictures else None

    def trouble(self):
        """What was answered with an error or not at all since the last look, of *.localhost."""
        found, urls = [], {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            p = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                urls[p["requestId"]] = p["request"]["url"]
            elif message["method"] == "Network.responseReceived":
                if p["response"]["status"] >= 400:
                    found.append(f"{p['response']['status']} {p['response']['url']}")
            elif message["method"] == "Network.loadingFailed" and not p.get("canceled"):
                found.append(f"{p['errorText']} {urls.get(p['requestId'], '?')}")
        return [f for f in found if ".localhost" in f.split("?")[0]
                and not any(a in f for a in self.allowed)]

    def shot(self, name):
        """A picture of the whole page, kept as build/apps/shots/NAME.png."""
        try:
            height = min(4000, max(800, self.js("return document.documentElement.scrollHeight")))
            self.driver.set_window_size(1280, height + 50)
            time.sleep(0.15)   # it is laid out anew
            self.driver.save_screenshot(str(self.shots / f"{name}.png"))
        finally:
            self.driver.set_window_size(1280, 1000)
