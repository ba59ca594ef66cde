"""Debian's nginx, Apache and lighttpd, for comparison."""


def servers(scratch):
    return iter(())


def table(everyone):
    return ""
