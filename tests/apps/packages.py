"""Applications as Debian packages them, unpacked and copied into a user's document root."""
import os
import shutil
import subprocess
from dataclasses import dataclass

from house import REPO

ARTEFACTS = REPO / "build" / "apps"   # packages, unpacked trees, screenshots: kept


@dataclass(frozen=True)
class App:
    """
    What makes an installation.

    debs   packages that are unpacked, not installed: some bring a web server's configuration,
           or depend on one
    trees  (directory in the packages, directory in the document root); later ones only add
    """
    name: str
    debs: tuple
    trees: tuple
    without: tuple = ()   # Debian's own files for one installation a machine


WORDPRESS = App(
    "wordpress",
    ("wordpress", "wordpress-theme-twentytwentythree", "libjs-cropper", "libjs-underscore"),
    (("usr/share/wordpress", "."), ("var/lib/wordpress/wp-content", "wp-content")),
    without=("wp-config.php", ".htaccess"))
DOKUWIKI = App(
    "dokuwiki",
    ("dokuwiki", "libjs-jquery", "libjs-jquery-cookie", "libjs-jquery-ui"),
    (("usr/share/dokuwiki", "."), ("etc/dokuwiki", "conf"), ("var/lib/dokuwiki/data", "data")),
    without=("inc/preload.php", ".htaccess"))

PHPMYADMIN = App(
    "phpmyadmin",
    ("phpmyadmin", "libjs-codemirror", "libjs-jquery", "libjs-jquery-mousewheel",
     "libjs-jquery-tablesorter", "libjs-jquery-timepicker", "libjs-jquery-ui"),
    (("usr/share/phpmyadmin", "."),))
MEDIAWIKI = App(
    "mediawiki", ("mediawiki", "mediawiki-classes"),
    (("usr/share/mediawiki", "."),),
    without=("LocalSettings.php",))   # a link to /etc


def run(*args, **more):
    p = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, check=False, **more)
    return p.returncode, p.stdout + p.stderr


def unpacked(app):
    """The directory that holds the application's packages; downloaded once."""
    stage = ARTEFACTS / "packages" / app.name
    done = stage / ".complete"
    if done.exists() and done.read_text() == " ".join(app.debs):
        return stage
    shutil.rmtree(stage, ignore_errors=True)
    debs = stage / ".debs"
    debs.mkdir(parents=True)
    code, said = run("apt-get", "download", *app.debs, cwd=debs)
    if code:
        run("apt-get", "update")
        code, said = run("apt-get", "download", *app.debs, cwd=debs)
    assert code == 0, f"apt-get download: {said}"
    for deb in debs.iterdir():
        code, said = run("dpkg-deb", "-x", deb, stage)
        assert code == 0, f"{deb.name}: {said}"
    shutil.rmtree(debs)
    done.write_text(" ".join(app.debs))
    return stage


def leads_to(stage, path):
    """Where a link of a package leads, in the unpacked tree or, installed already, on the machine."""
    for _ in range(8):
        if not path.is_symlink():
            return path if path.exists() else None
        target = os.path.normpath(os.path.join("/", path.relative_to(stage).parent,
                                               os.readlink(path)))
        path = stage / target[1:]
        if not path.is_symlink() and not path.exists():
            return type(path)(target) if os.path.exists(target) else None
    return None


def copy(stage, source, target):
    """
    A tree with its links replaced by what they lead to: a home is closed, so is the server's
    way out of a root. What leads nowhere is left out, what is there already stays.
    """
    target.mkdir(exist_ok=True)
    for entry in sorted(source.iterdir()):
        there = target / entry.name
        found = leads_to(stage, entry) if entry.is_relative_to(stage) else entry
        if found is None:
            continue
        if found.is_dir():
            copy(stage, found, there)
        elif not there.exists():
            shutil.copyfile(found, there)


def own(root, uid):
    """All of it the user's, and nobody else's to read."""
    for at, _, files in os.walk(root):
        for name, mode in [(".", 0o700)] + [(f, 0o600) for f in files]:
            path = os.path.join(at, name)
            os.chmod(path, mode)
            os.chown(path, uid, uid)


def place(app, root):
    """Put the application's files into a directory."""
    stage = unpacked(app)
    for source, target in app.trees:
        copy(stage, stage / source, root / target)
    for name in app.without:
        (root / name).unlink(missing_ok=True)


def install(app, site):
    """Put the application into the site's document root, as its user's."""
    place(app, site.root)
    own(site.root, site.uid)
