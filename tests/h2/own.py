"""This server with the sites of the rows, over TLS."""
import os
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "e2e"), str(TESTS / "http")]

from house import ROOT, Box, free_port  # noqa: E402
from secure import certificate  # noqa: E402
from site_files import make_site  # noqa: E402

FILES = {
    "length.php": "<?php echo strlen(file_get_contents('php://input'));",
    "proto.php": "<?php echo $_SERVER['SERVER_PROTOCOL'], ' ', $_SERVER['HTTP_HOST'];",
    "big.bin": b"0123456789abcdef" * 65536,
}


class Own:
    """with Own() as server: a running server; its end asserts that it ended well."""

    def __enter__(self):
        self.box = Box()
        tls = certificate(self.box, "site.test", "site.test", "other.test")
        first = self.box.site("site.test", php={"processes": 4}, tls=tls)
        second = self.box.site("other.test", uid=first.uid, tls=tls)
        for site, root in zip((first, second), make_site(self.box.dir)):
            site.vhost["root"] = str(root)
            for name, content in FILES.items():
                data = content.encode() if isinstance(content, str) else content
                (Path(root) / name).write_bytes(data)
            self.give(root, site.uid)
        port = free_port()
        server = self.box.serve(listen_tls=[f"127.0.0.1:{port}"], head_timeout="5s")
        server.tls_port, server.site = port, first
        return server

    @staticmethod
    def give(root, uid):
        for where, _, files in os.walk(os.fsencode(root)):
            os.chmod(where, 0o700)
            for path in [where, *(os.path.join(where, f) for f in files)]:
                if ROOT:
                    os.chown(path, uid, uid)

    def __exit__(self, *_):
        self.box.close()
