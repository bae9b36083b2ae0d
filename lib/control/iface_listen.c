/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/iface_listen.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"

enum {
	ANY_PORT_FIRST = 32768,
	ANY_PORT_COUNT = 28232,
	ANY_PORT_TRIES = 64,
};

static bool
listens_at(const struct control_iface *i, const struct addr *a)
{
	for (unsigned k = 0; k < i->n_listen_addrs; k++) {
		if (addr_is_equal(&i->listen_addrs[k], a))
			return true;
	}
	return !i->n_listen_addrs;
}

/* Another interface of ours that has the port where i wants it, or NULL. */
static const struct control_iface *
holder_of(const struct control *c, const struct control_iface *i, uint16_t port)
{
	for (unsigned n = 0; n < TABLES_MAX_IFACES; n++) {
		const struct control_iface *o = &c->ifaces[n];
		bool is_there = o->is_live && o != i && o->listen_port == port;
		bool overlaps = !i->n_listen_addrs || !o->n_listen_addrs;
		for (unsigned k = 0; k < i->n_listen_addrs; k++)
			overlaps |= listens_at(o, &i->listen_addrs[k]);
		if (is_there && overlaps)
			return o;
	}
	return NULL;
}

static int
tell_tables(struct control *c, const struct control_iface *i, uint16_t port)
{
	return tables_iface_listen(c->tables, i->iface_id, port, i->listen_addrs,
		i->n_listen_addrs);
}

/* Host = no: nobody else uses the ports, so any that no other interface has will do. */
static int
listen_without_host(struct control *c, struct control_iface *i, uint16_t port)
{
	int rc = port ? tell_tables(c, i, port) : -EADDRINUSE;
	for (unsigned try = 0; !port && rc && try < ANY_PORT_TRIES; try++) {
		uint16_t any;
		secret_random(&any, sizeof(any));
		any = (uint16_t)(ANY_PORT_FIRST + any % ANY_PORT_COUNT);
		rc = tell_tables(c, i, any);
	}
	if (!rc)
		i->listen_port = c->tables->ifaces[i->iface_id].listen_port;
	return rc;
}

void
iface_listen_release(struct control *c, struct control_iface *i)
{
	if (i->is_listening)
		exception_unlisten(c->exception, i->iface_id, NULL);
	i->is_listening = false;
}

static int
hold_port(struct control *c, struct control_iface *i, uint16_t port, struct err *err)
{
	struct exception_listener l = {.interface_idx = i->iface_id, .port = port,
		.fwmark = i->fwmark, .addrs = i->listen_addrs, .n_addrs = i->n_listen_addrs};
	int rc = exception_listen(c->exception, &l, err);
	i->is_listening = rc > 0;
	if (rc < 0)
		return rc;
	uint16_t held = (uint16_t)rc;
	rc = tell_tables(c, i, held);
	if (rc) {
		iface_listen_release(c, i);
		return err_set(err, rc, "no memory to listen on port %u", held);
	}
	i->listen_port = held;
	i->quick.is_stale = i->quick.is_guarded;
	return 0;
}

/* Takes the port where the interface listens now. On error nothing is held. */
static int
take_port(struct control *c, struct control_iface *i, uint16_t port, struct err *err)
{
	const struct control_iface *holder = port ? holder_of(c, i, port) : NULL;
	if (holder)
		return err_set(err, -EADDRINUSE, "ListenPort %u is interface %s's: give it "
			"another, or each a ListenAddress of its own", port, holder->name);
	if (control_has_host(c))
		return hold_port(c, i, port, err);
	int rc = listen_without_host(c, i, port);
	return rc ? err_set(err, rc, "cannot listen on port %u: %s", port, strerror(-rc)) : 0;
}

int
iface_listen_set_port(struct control *c, struct control_iface *i, uint16_t port, struct err *err)
{
	if (port && port == i->listen_port)
		return 0;
	uint16_t was = i->listen_port;
	iface_listen_release(c, i);
	int rc = take_port(c, i, port, err);
	if (rc && was)
		take_port(c, i, was, NULL);
	return rc;
}

static void
put_addrs(struct control_iface *i, const struct interface_intent *from)
{
	memcpy(i->listen_addrs, from->listen_addrs, sizeof(i->listen_addrs));
	i->n_listen_addrs = from->n_listen_addrs;
}

int
iface_listen_set_addrs(struct control *c, struct control_iface *i, const char *text,
	struct err *err)
{
	struct interface_intent was = {.n_listen_addrs = i->n_listen_addrs}, fresh = was;
	memcpy(was.listen_addrs, i->listen_addrs, sizeof(was.listen_addrs));
	int rc = interface_listen_set(&fresh, text ? text : "");
	if (rc)
		return err_set(err, rc, "cannot listen on %s", text);
	put_addrs(i, &fresh);
	if (!i->listen_port)
		return 0;
	iface_listen_release(c, i);
	rc = take_port(c, i, i->listen_port, err);
	if (rc) {
		put_addrs(i, &was);
		take_port(c, i, i->listen_port, NULL);
	}
	return rc;
}
