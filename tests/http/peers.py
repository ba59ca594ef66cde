"""
Debian's nginx, Apache and lighttpd with the same two sites and the same PHP: each with a
configuration of its own in a temporary directory, on a free port of the loopback, ended by its
process id. Defaults are Debian's; only what the rows ask for is added: both sites, scripts,
compression.
"""
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from site_files import make_site

sys.path.append(str(Path(__file__).resolve().parents[1]))
from ports import free_port  # noqa: E402

POLICY = Path("/usr/sbin/policy-rc.d")
PACKAGES = {"/usr/sbin/nginx": "nginx-light", "/usr/sbin/apache2": "apache2",
            "/usr/sbin/lighttpd": "lighttpd", "/usr/lib/lighttpd/mod_deflate.so": "lighttpd-mod-deflate",
            "/usr/bin/php-cgi": "php-cgi"}
NOBODY = 65534
README = Path(__file__).with_name("README.md")
MARKS = ("<!-- the table -->", "<!-- its end -->")

# Why this server is not the best on a row: the start of "topic: why", and the reason. A row that
# no line here explains is written down as unexplained.
REASONS = {}

NGINX = """
daemon off; worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/nginx.err; {user}
events {{ worker_connections 1024; }}
http {{
  include /etc/nginx/mime.types; default_type application/octet-stream;
  access_log off; sendfile on; tcp_nopush on;
  gzip on; gzip_static on; gzip_vary on; gzip_types text/plain text/css;
  client_body_temp_path {dir}/b; fastcgi_temp_path {dir}/f; proxy_temp_path {dir}/p;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port} default_server; server_name site.test; root {site};
    index index.html; port_in_redirect off;
    location ~ \\.php$ {{ try_files $uri =404; include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass 127.0.0.1:{php}; }} }}
  server {{ listen 127.0.0.1:{port}; server_name other.test; root {other}; index index.html; }}
}}
"""

APACHE = """
ServerRoot /etc/apache2
ServerName site.test
PidFile {dir}/apache.pid
DefaultRuntimeDir {dir}
Mutex file:{dir}
Listen 127.0.0.1:{port}
ErrorLog {dir}/apache.err
{modules}
{user}
TypesConfig /etc/mime.types
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
ServerTokens OS
TraceEnable Off
RequestReadTimeout header=20-40,minrate=500 body=10,minrate=500
DirectoryIndex index.html
ProxyFCGIBackendType GENERIC
AddOutputFilterByType DEFLATE text/html text/plain text/css
<Directory /> 
  AllowOverride None
  Require all denied
</Directory>
<Directory {sites}>
  Options FollowSymLinks
  Require all granted
</Directory>
<FilesMatch "\\.php$">
  SetHandler "proxy:fcgi://127.0.0.1:{php}"
  SetEnv proxy-sendcl 1
</FilesMatch>
<VirtualHost 127.0.0.1:{port}>
  ServerName site.test
  DocumentRoot {site}
</VirtualHost>
<VirtualHost 127.0.0.1:{port}>
  ServerName other.test
  DocumentRoot {other}
</VirtualHost>
"""
APACHE_MODULES = ("mpm_event", "authz_core", "dir", "mime", "filter", "deflate", "setenvif", "proxy",
                  "proxy_fcgi", "reqtimeout", "alias", "negotiation", "env")

LIGHTTPD = """
server.modules = ("mod_access", "mod_fastcgi", "mod_deflate")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{site}"
server.errorlog = "{dir}/lighttpd.err"
server.upload-dirs = ("{dir}")
{user}
index-file.names = ("index.html")
static-file.exclude-extensions = (".php")
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
deflate.allowed-encodings = ("gzip", "deflate")
deflate.mimetypes = ("text/plain", "text/css", "text/html")
fastcgi.server = (".php" => (("host" => "127.0.0.1", "port" => {php})))
$HTTP["host"] =~ "^other\\.test(:\\d+)?$" {{ server.document-root = "{other}" }}
"""


def install():
    """Install what is missing; no package may start a service of its own."""
    missing = sorted({p for path, p in PACKAGES.items() if not os.path.exists(path)})
    if not missing:
        return
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing],
                       env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
                       stdout=subprocess.DEVNULL, check=True)
    finally:
        if ours:
            POLICY.unlink()


@contextmanager
def running(command, port, **more):
    """A process that listens on a port, until the block ends."""
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, **more)
    try:
        deadline = time.monotonic() + 20
        while not listens(port):
            if p.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not start")
            time.sleep(0.05)
        yield
    finally:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def commands(scratch, site, other, php):
    """Name, command and port of each."""
    root = os.geteuid() == 0
    fill = {"dir": scratch, "site": site, "other": other, "sites": site.parent, "php": php}
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so"
                        for m in APACHE_MODULES)
    for name, text, command, user in (
            ("nginx", NGINX, ["/usr/sbin/nginx", "-c"], "user nobody nogroup;"),
            ("Apache", APACHE, ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f"],
             "User nobody\nGroup nogroup"),
            ("lighttpd", LIGHTTPD, ["/usr/sbin/lighttpd", "-D", "-f"],
             'server.username = "nobody"\nserver.groupname = "nogroup"')):
        port = free_port()
        conf = scratch / f"{name}.conf"
        conf.write_text(text.format(port=port, user=user if root else "", modules=modules, **fill))
        yield name, [*command, str(conf)], port


def servers(scratch):
    """One peer after the other: its name and address, running until the next is asked for."""
    install()
    scratch.chmod(0o755)
    site, other = make_site(scratch / "sites")
    if os.geteuid() == 0:
        (scratch / "tmp").mkdir()
        shutil.chown(scratch, NOBODY, NOBODY)
    php = free_port()
    env = {"PATH": "/usr/bin:/bin", "PHP_FCGI_CHILDREN": "8", "PHP_FCGI_MAX_REQUESTS": "0"}
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with running(["/usr/bin/php-cgi", "-b", f"127.0.0.1:{php}"], php, env=env, **who):
        for name, command, port in commands(scratch, site, other, php):
            with running(command, port):
                yield name, ("127.0.0.1", port)


# --- the comparison --------------------------------------------------------------------------

def counts(server, topic, level):
    rows = [r for r in server["rows"] if (not topic or r["topic"] == topic) and r["level"] == level]
    failed = sum(r["wrong"] is not None for r in rows)
    return f"{len(rows) - failed}/{len(rows)}" if rows else ""


def table(everyone):
    """Passed of all, topic by topic, as Markdown; then the rows on which the first is not best."""
    topics = list(dict.fromkeys(r["topic"] for r in everyone[0]["rows"]))
    lines = ["| topic | level | " + " | ".join(s["server"] for s in everyone) + " |",
             "|---|---|" + "---|" * len(everyone)]
    for topic in [*topics, ""]:
        for level in ("MUST", "SHOULD", "CHOICE"):
            cells = [counts(s, topic, level) for s in everyone]
            if cells[0]:
                lines.append(f"| {topic or '**all**'} | {level} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *behind(everyone)])


def behind(everyone):
    """A line for each row on which another server is better, with the reason."""
    lines = []
    for i, row in enumerate(everyone[0]["rows"]):
        better = [s["server"] for s in everyone[1:] if s["rows"][i]["wrong"] is None]
        name = f"{row['topic']}: {row['why']}"
        if row["wrong"] and better:
            reason = next((w for start, w in REASONS.items() if name.startswith(start)), "unexplained")
            lines.append(f"- {row['level']} {row['section']}, {name} ({', '.join(better)}): {reason}")
    return ["Rows on which another server is better, and why:", "", *lines] if lines else \
        ["There is no row on which another server is better."]


def write_readme(text):
    """Put the table between its two marks."""
    page = README.read_text()
    top, _, rest = page.partition(MARKS[0])
    README.write_text(f"{top}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}")
