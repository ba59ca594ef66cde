<?php
/*
 * Attacks from inside real PHP: ?attack=NAME&a=...&b=... says "GOT" or "DENIED why" in one line.
 * The runner asks for it through the server, and runs the same file as root without the server
 * for the control.
 */
error_reporting(0);
header('Content-Type: text/plain');

function tell($got, $why = 'refused')
{
    $e = error_get_last();
    echo $got ? "GOT\n" : 'DENIED ' . preg_replace('/\s+/', ' ', $e ? $e['message'] : $why) . "\n";
}

/* A shell command; true when it ends well. */
function shell($command)
{
    exec($command . ' 2>&1', $lines, $rc);
    tell($rc === 0, implode(' ', array_slice($lines, -1)) ?: "exit $rc");
}

$a = $_GET['a'] ?? '';
$b = $_GET['b'] ?? '';

switch ($_GET['attack'] ?? '') {
case 'setuid':
    tell(posix_setuid(0), posix_strerror(posix_get_last_error()));
    break;
case 'seteuid':
    tell(posix_seteuid(0), posix_strerror(posix_get_last_error()));
    break;
case 'setgid':
    tell(posix_setgid(0), posix_strerror(posix_get_last_error()));
    break;
case 'other-uid':
    tell(posix_setuid((int)$a), posix_strerror(posix_get_last_error()));
    break;
case 'setuid-program':
    shell(escapeshellarg($a) . ' am-root');
    break;
case 'capable-program':
    shell(escapeshellarg($a) . ' am-capable');
    break;
case 'program': /* any attack program, started by PHP */
    shell($a . ' ' . $b);
    break;
case 'read':
    tell(file_get_contents($a) !== false);
    break;
case 'include':
    tell((include $a) !== false);
    break;
case 'write':
    $f = fopen($a, 'a');
    tell($f !== false);
    break;
case 'list':
    tell(scandir($a) !== false);
    break;
case 'create':
    $ok = file_put_contents("$a/attack", 'x') !== false;
    if ($ok)
        unlink("$a/attack");
    tell($ok);
    break;
case 'symlink':
    $ok = symlink('/etc/passwd', "$a/attack");
    if ($ok)
        unlink("$a/attack");
    tell($ok);
    break;
case 'hardlink':
    $ok = link($a, $b);
    if ($ok)
        unlink($b);
    tell($ok);
    break;
case 'kill':
    tell(posix_kill((int)$a, 23 /* SIGURG */), posix_strerror(posix_get_last_error()));
    break;
case 'connect':
    tell(stream_socket_client("unix://$a", $errno, $text, 2) !== false, $text);
    break;
case 'log-cut': /* through any descriptor of that log: append-only holds nobody */
    $got = false;
    foreach (scandir('/proc/self/fd') as $fd) {
        if (!is_numeric($fd) || @readlink("/proc/self/fd/$fd") !== $a)
            continue;
        exec(escapeshellarg($b) . " log-truncate 2>&$fd", $lines, $rc);
        $got = $rc === 0;
    }
    tell($got, 'no descriptor of it');
    break;
case 'left-open': /* 0 to 2 and the connection are its own; the rest would be somebody else's */
    $strange = [];
    foreach (scandir('/proc/self/fd') as $fd) {
        $to = readlink("/proc/self/fd/$fd");
        if ((int)$fd > 2 && preg_match('#^(/(?!proc|dev/(u?random|null|zero)|var/www|tmp/\.Zend)|socket:|anon)#', $to)
            && $to !== __FILE__)
            $strange[] = "$fd=$to";
    }
    /* the accepted FastCGI connection is the one socket that belongs there */
    $sockets = preg_grep('/socket:/', $strange);
    tell(count($strange) - min(1, count($sockets)) > 0, 'nothing strange is open');
    break;
case 'environment':
    tell(getenv($a) !== false || isset($_SERVER[$a]), 'not there');
    break;
case 'opcache': /* the names of other users' scripts in a shared cache */
    $s = opcache_get_status();
    $hit = array_filter(array_keys($s['scripts'] ?? []), fn($p) => str_contains($p, $a));
    tell((bool)$hit, 'nobody else is in it');
    break;
case 'limit':
    tell(posix_setrlimit(POSIX_RLIMIT_CORE, -1, -1), posix_strerror(posix_get_last_error()));
    break;
case 'link-for-the-worker': /* leave a link in the document root for the worker to follow */
    tell(symlink($a, __DIR__ . '/' . $b));
    break;
case 'whoami':
    echo posix_getuid(), "\n";
    break;
default:
    echo "BROKEN no such attack\n";
}
