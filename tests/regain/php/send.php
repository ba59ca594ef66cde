<?php
// Has the worker send a file.
header('X-Sendfile: ' . $_GET['file']);
