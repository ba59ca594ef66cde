<?php
/* Says who this script runs as, as the kernel sees it. */
header('Content-Type: text/plain; charset=utf-8');

$status = [];
foreach (file('/proc/self/status', FILE_IGNORE_NEW_LINES) as $line) {
    [$name, $value] = explode(':', $line, 2);
    $status[$name] = trim($value);
}
$rows = [
    'Uid'        => 'user ids: real, effective, saved, file system',
    'Gid'        => 'group ids, likewise',
    'Groups'     => 'supplementary groups',
    'CapEff'     => 'capabilities in effect',
    'CapBnd'     => 'capabilities that could ever be gained',
    'NoNewPrivs' => '1: no program it starts can gain any',
    'Seccomp'    => '2: a filter stands before the kernel',
];
foreach ($rows as $name => $meaning) {
    printf("%-11s%-32s%s\n", $name, strtr($status[$name] ?? '?', "\t", ' '), $meaning);
}
