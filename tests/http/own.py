"""This server, with the two sites of the rows, as one user's."""
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from house import Box, ROOT  # noqa: E402
from site_files import make_site  # noqa: E402


class Own:
    """with Own() as server: a running server; its end asserts that it ended well."""

    def __enter__(self):
        self.box = Box()
        first = self.box.site("site.test", php={"processes": 8}, default=True)
        second = self.box.site("other.test", uid=first.uid)
        made = make_site(self.box.dir)
        for site, root in zip((first, second), made):
            site.vhost["root"] = str(root)
            self.give(root, site.uid)
        return self.box.serve()

    @staticmethod
    def give(root, uid):
        os.chmod(root, 0o700)
        for where, _, files in os.walk(os.fsencode(root)):
            for path in [where, *(os.path.join(where, f) for f in files)]:
                if ROOT:
                    os.chown(path, uid, uid)

    def __exit__(self, *_):
        self.box.close()
