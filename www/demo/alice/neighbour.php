<?php
/* Tries to read the neighbour's diary, by its path. */
header('Content-Type: text/plain; charset=utf-8');

$path = dirname(__DIR__, 2) . '/bob/www/diary.txt';
$text = @file_get_contents($path);
echo $text === false
    ? "No: reading $path is refused.\n"
    : "Yes, and here it is: $text";
