"""What an upgrade of the executable means for visitors with TLS."""
import pytest

from house import free_port
from secure import Secure, certificate, context
from test_reload import Changing, Upgraded


def visit(port, site, ctx, session=None):
    """One request on a connection of its own. ret  was the session gone on with?, the session"""
    with Secure(port, site.host, ctx, session=session) as c:
        assert c.get(site.host).text == f"{site.host}\n"
        return c.sock.session_reused, c.sock.session


@pytest.mark.root
def test_sessions_go_on_over_an_upgrade(box):
    """Of each user with his own keys; and the ones after that with what the next server makes."""
    changing, port = Changing(box), free_port()
    sites = [box.site(f"{n}.test", tls=certificate(box, f"{n}.test"),
                      files={"index.html": f"{n}.test\n"}) for n in "abc"]
    server = changing.serve(listen_tls=[f"127.0.0.1:{port}"], drain_timeout="2s")
    up, ctx, held = Upgraded(box, server), [context() for _ in sites], {}
    for site, c in list(zip(sites, ctx))[:2]:  # nobody has been at the third one's yet
        reused, held[site.host] = visit(port, site, c)
        assert not reused and held[site.host].has_ticket
    for _ in range(2):
        up.upgrade()
        for site, c in list(zip(sites, ctx))[:2]:
            reused, held[site.host] = visit(port, site, c, held[site.host])
            assert reused, f"{site.host} needs a whole handshake"
    assert not visit(port, sites[2], ctx[0], held["a.test"])[0], "another user's key"
    up.end()
