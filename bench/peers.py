"""
The servers of the bench: each writes its configuration into its own directory and starts in the
foreground. All write the combined access log to a file, send files with sendfile and keep
connections without a limit on requests; one worker process where a server has that notion.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from box import Server

PHP_CHILDREN = 4
PHP_CGI = "/usr/bin/php-cgi"
FPM = next(iter(sorted(glob.glob("/usr/sbin/php-fpm8*") + glob.glob("/usr/sbin/php-fpm7*"))),
           "php-fpm")
WWW = "www-data"
COMBINED = r'%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"'


def php_version():
    p = subprocess.run([PHP_CGI, "-v"], capture_output=True, text=True, check=False)
    return p.stdout.split()[1] if p.returncode == 0 else "?"


class Peer:
    """One way to serve the sites. many: a case of many users, with small pools of PHP."""

    switches = False   # serves files as their user
    php = True
    constant = False   # answers whatever is asked with 1 KiB of x
    cases = None       # None: all
    package = ""

    def __init__(self, name):
        self.name = name

    def version(self):
        p = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", self.package],
                           capture_output=True, text=True, check=False)
        return re.sub(r"^\d+:", "", p.stdout) or "?"

    def missing(self):
        """What keeps it from running here, or None."""
        return None if shutil.which(self.program) else f"no {self.program}"

    def start(self, d, port, sites, cores="0", many=False):
        """d: its own directory. Returns a Server that accepts connections."""
        d.mkdir(parents=True)
        server = Server(self.name, port, cores)
        try:
            self.run(server, d, sites, many)
            server.wait_ready()
        except BaseException:
            server.stop()
            raise
        return server


class Floor(Peer):
    program, package, php, constant = "cc", "gcc", False, True

    def __init__(self, name, mode, cases):
        super().__init__(name)
        self.mode, self.cases = mode, cases

    def run(self, server, d, sites, many):
        source = Path(__file__).parent / "floor.c"
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", d / "floor", source], check=True)
        server.spawn([d / "floor", server.port, self.mode], d / "log")


def copy_programs(build, d):
    """hostel and all that it starts, which it looks for beside itself."""
    for path in build.glob("hostel*"):
        if path.is_file() and os.access(path, os.X_OK):
            shutil.copy2(path, d)


class Hostel(Peer):
    switches = True
    build = None   # the build directory, set by the command line

    def missing(self):
        return None if (self.build / "hostel").exists() else f"no hostel in {self.build}"

    def version(self):
        p = subprocess.run([self.build / "hostel", "--version"], capture_output=True, text=True,
                           check=False)
        return p.stdout.strip().removeprefix("hostel ") or "?"

    def run(self, server, d, sites, many):
        # copies: the build directory may be closed to the sites' users
        copy_programs(self.build, d)
        php = {"processes": 1 if many else PHP_CHILDREN, "max_requests": 0}
        if many:
            php["idle_exit"] = "10s"
        config = {
            "listen": [f"127.0.0.1:{server.port}"], "run_dir": str(d / "run"),
            "acceptor_user": "nobody", "error_log": str(d / "error.log"),
            "access_log": str(d / "access.log"), "connections_max": 20000,
            "connections_per_address": 20000, "keepalive_timeout": "5m",
            "vhosts": [{"host": s.host, "user": str(s.uid), "group": str(s.uid),
                        "root": str(s.root), "php": php,
                        "workers": len(server.cores.split(","))} for s in sites]}
        (d / "hostel.yaml").write_text(json.dumps(config))
        server.spawn([d / "hostel", "serve", "--config", d / "hostel.yaml"], d / "out")


class HostelOne(Hostel):
    """Hostel with a single user."""

    cases = ("fresh-1k",)

    def run(self, server, d, sites, many):
        super().run(server, d, sites[:1], many)


def php_cgi_pools(server, d, sites):
    """A php-cgi pool for each site, as its user, for servers that have none of their own."""
    d.mkdir()
    for s in sites:
        home = d / s.host
        home.mkdir()
        os.chown(home, s.uid, s.uid)
        server.spawn([PHP_CGI, "-b", home / "php"], d / "php.log", uid=s.uid,
                     env={"PATH": "/usr/bin:/bin", "PHP_FCGI_CHILDREN": str(PHP_CHILDREN),
                          "PHP_FCGI_MAX_REQUESTS": "0"})
    for s in sites:
        wait_for(d / s.host / "php")
        (d / s.host / "php").chmod(0o666)


def wait_for(path, seconds=20):
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path.name} did not come")
        time.sleep(0.01)


def php_fpm_pools(server, d, sites, many):
    """One master, a pool for each site as its user; ondemand when there are many."""
    d.chmod(0o755)
    pools = [f"[global]\npid = {d}/fpm.pid\nerror_log = {d}/fpm.log\ndaemonize = no\n"]
    manner = (f"pm = ondemand\npm.max_children = {1 if many else PHP_CHILDREN}\n"
              "pm.process_idle_timeout = 10s\n" if many else
              f"pm = static\npm.max_children = {PHP_CHILDREN}\n")
    for s in sites:
        pools.append(f"[{s.host}]\nuser = {s.uid}\ngroup = {s.uid}\nlisten = {d}/{s.host}.sock\n"
                     f"listen.owner = {WWW}\nlisten.backlog = 511\n{manner}")
    (d / "fpm.conf").write_text("".join(pools))
    server.spawn([FPM, "-F", "-y", d / "fpm.conf"], d / "fpm.out")
    for s in sites:
        wait_for(d / f"{s.host}.sock", 60)


class Apache(Peer):
    program, package = "apache2", "apache2-bin"
    modules = ["authz_core", "mime", "dir", "reqtimeout"]

    def __init__(self, name, mpm):
        super().__init__(name)
        self.mpm, self.switches = mpm, mpm == "itk"

    def missing(self):
        want = {"prefork": "libphp8*.so", "itk": "mpm_itk.so", "event": "mod_proxy_fcgi.so"}
        found = glob.glob(f"/usr/lib/apache2/modules/{want[self.mpm]}")
        return super().missing() or (None if found else f"no {want[self.mpm]}")

    def module_lines(self):
        at = "/usr/lib/apache2/modules"
        mpm = "event" if self.mpm == "event" else "prefork"
        lines = [f"LoadModule mpm_{mpm}_module {at}/mod_mpm_{mpm}.so"]
        lines += [f"LoadModule {m}_module {at}/mod_{m}.so" for m in self.modules]
        if self.mpm == "event":
            return lines + [f"LoadModule proxy_module {at}/mod_proxy.so",
                            f"LoadModule proxy_fcgi_module {at}/mod_proxy_fcgi.so",
                            "ServerLimit 1", "StartServers 1", "ThreadsPerChild 64",
                            "MaxRequestWorkers 64", "MinSpareThreads 64", "MaxSpareThreads 64",
                            "AsyncRequestWorkerFactor 200"]
        if self.mpm == "itk":
            lines.append(f"LoadModule mpm_itk_module {at}/mpm_itk.so")
        so = sorted(glob.glob("/usr/lib/apache2/modules/libphp8*.so"))[-1]
        return lines + [f"LoadModule php_module {so}", "StartServers 8", "MinSpareServers 8",
                        "MaxSpareServers 64", "ServerLimit 256", "MaxRequestWorkers 256"]

    def run(self, server, d, sites, many):
        d.chmod(0o755)
        if self.mpm == "event":
            php_fpm_pools(server, d, sites, many)
        lines = self.module_lines() + [
            f"DefaultRuntimeDir {d}", f"PidFile {d}/pid", f"Listen 127.0.0.1:{server.port}",
            "ListenBacklog 4096", f"User {WWW}", f"Group {WWW}", "ServerName bench",
            "KeepAlive On", "MaxKeepAliveRequests 0", "KeepAliveTimeout 300", "EnableSendfile On",
            "RequestReadTimeout header=0 body=0", "TypesConfig /etc/mime.types",
            "DirectoryIndex index.html index.php", f"ErrorLog {d}/error.log",
            f'LogFormat "{COMBINED}" combined', f"CustomLog {d}/access.log combined",
            "<Directory />", "AllowOverride None", "Require all granted", "</Directory>"]
        for s in sites:
            lines += [f"<VirtualHost 127.0.0.1:{server.port}>", f"ServerName {s.host}",
                      f"DocumentRoot {s.root if self.switches else s.shared}"]
            if self.mpm == "itk":
                lines.append(f"AssignUserID #{s.uid} #{s.uid}")
            handler = (f"proxy:unix:{d}/{s.host}.sock|fcgi://localhost/"
                       if self.mpm == "event" else "application/x-httpd-php")
            lines += [r'<FilesMatch "\.php$">', f'SetHandler "{handler}"', "</FilesMatch>",
                      "</VirtualHost>"]
        (d / "apache.conf").write_text("\n".join(lines) + "\n")
        server.spawn(["apache2", "-d", d, "-f", d / "apache.conf", "-DFOREGROUND"], d / "out")


class Nginx(Peer):
    """tuned: an open file cache, a buffered log, kept connections to PHP."""

    program, package = "nginx", "nginx-light"

    def __init__(self, name, tuned):
        super().__init__(name)
        self.tuned = tuned

    def run(self, server, d, sites, many):
        d.chmod(0o755)
        php_fpm_pools(server, d, sites, many)
        log = " buffer=64k flush=1s" if self.tuned else ""
        lines = [
            f"daemon off; user {WWW}; pid {d}/pid; error_log {d}/error.log;",
            f"worker_processes {len(server.cores.split(','))}; worker_rlimit_nofile 20000;",
            "events { worker_connections 16000; }",
            "http {", "include /etc/nginx/mime.types;",
            f"access_log {d}/access.log combined{log}; sendfile on; tcp_nopush on;",
            "keepalive_timeout 300; keepalive_requests 1000000000; server_tokens on;",
            "server_names_hash_max_size 8192; server_names_hash_bucket_size 128;"]
        lines += [f"{k}_temp_path {d}/{k};" for k in
                  ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")]
        if self.tuned:
            lines.append("open_file_cache max=10000 inactive=60s; open_file_cache_valid 1s;")
        keep = self.tuned and not many
        for n, s in enumerate(sites):
            lines += [
                f"upstream php{n} {{ server unix:{d}/{s.host}.sock;",
                # one process is for all that come beside the kept ones, or these wait for ever
                f"keepalive {PHP_CHILDREN - 1};" if keep else "", "}",
                f"server {{ listen 127.0.0.1:{server.port}{'' if n else ' backlog=4096'};",
                f"server_name {s.host}; root {s.shared}; index index.html index.php;",
                "location ~ \\.php$ { include /etc/nginx/fastcgi_params;",
                "fastcgi_keep_conn on;" if keep else "",
                "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
                f"fastcgi_pass php{n}; }} }}"]
        (d / "nginx.conf").write_text("\n".join(lines + ["}"]) + "\n")
        server.spawn(["nginx", "-p", d, "-e", d / "error.log", "-c", d / "nginx.conf"], d / "out")


class Lighttpd(Peer):
    program, package = "lighttpd", "lighttpd"

    def run(self, server, d, sites, many):
        php_cgi_pools(server, d / "pools", sites)
        lines = [
            'server.modules = ("mod_accesslog", "mod_fastcgi")', f"server.port = {server.port}",
            'server.bind = "127.0.0.1"', f'server.document-root = "{sites[0].shared}"',
            f'server.pid-file = "{d}/pid"', f'server.errorlog = "{d}/error.log"',
            f'accesslog.filename = "{d}/access.log"', f'server.username = "{WWW}"',
            f'server.groupname = "{WWW}"', "server.max-fds = 20000",
            "server.max-connections = 16000", "server.listen-backlog = 4096",
            "server.max-keep-alive-requests = 1000000000", "server.max-keep-alive-idle = 300",
            # one process serves by itself; more have a master
            f"server.max-worker = {len(server.cores.split(',')) if ',' in server.cores else 0}",
            'mimetype.assign = (".html" => "text/html")',
            'index-file.names = ("index.html", "index.php")']
        for s in sites:
            lines += [
                f'$HTTP["host"] == "{s.host}" {{', f'server.document-root = "{s.shared}"',
                f'fastcgi.server = (".php" => (("socket" => "{d}/pools/{s.host}/php")))', "}"]
        (d / "lighttpd.conf").write_text("\n".join(lines) + "\n")
        for name in ("error.log", "access.log"):
            (d / name).touch()
            shutil.chown(d / name, WWW, WWW)
        d.chmod(0o755)
        server.spawn(["lighttpd", "-D", "-f", d / "lighttpd.conf"], d / "out")


def h2o_log(d):
    return {"path": str(d / "access.log"),
            "format": '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"'}


class H2o(Peer):
    program, package = "h2o", "h2o"

    def run(self, server, d, sites, many):
        php_cgi_pools(server, d / "pools", sites)
        config = {
            "user": WWW, "num-threads": len(server.cores.split(",")), "max-connections": 16000,
            "error-log": str(d / "error.log"),
            "access-log": h2o_log(d),
            "http1-request-timeout": 300, "listen": {"host": "127.0.0.1", "port": server.port},
            "hosts": {s.host: {"paths": {"/": {
                "file.dir": str(s.shared), "file.index": ["index.html", "index.php"],
                "file.custom-handler": {
                    "extension": ".php",
                    "fastcgi.connect": {"type": "unix",
                                        "port": f"{d}/pools/{s.host}/php"}}}}} for s in sites}}
        (d / "h2o.conf").write_text(json.dumps(config))
        d.chmod(0o755)
        server.spawn(["h2o", "-m", "worker", "-c", d / "h2o.conf"], d / "out")


def everything():
    """All peers in the order of a round."""
    return [
        Floor("floor", "keep", ("keep-1k",)), Floor("floor", "fresh", ("fresh-1k",)),
        Floor("floor-eager", "eager", ("fresh-1k",)), Hostel("hostel"), HostelOne("hostel-one"),
        Nginx("nginx", False), Nginx("nginx-tuned", True), Lighttpd("lighttpd"), H2o("h2o"),
        Apache("apache-prefork", "prefork"), Apache("apache-itk", "itk"),
        Apache("apache-event", "event"),
    ]
