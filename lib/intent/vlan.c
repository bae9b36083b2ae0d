/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/vlan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

bool
vlan_device_parse(const char *device, struct vlan_device *out)
{
	const char *dot = strrchr(device, '.');
	size_t name_bytes = dot ? (size_t)(dot - device) : 0;
	*out = (struct vlan_device){.id = 0};
	if (!name_bytes || name_bytes >= sizeof(out->parent) || strpbrk(device, ",:") || !dot[1] ||
		dot[1 + strspn(dot + 1, "0123456789")])
		return false;
	memcpy(out->parent, device, name_bytes);
	unsigned long id = strtoul(dot + 1, NULL, 10); /* ULONG_MAX when it is longer than that */
	if (id >= VLAN_ID_MIN && id <= VLAN_ID_MAX)
		out->id = (uint16_t)id;
	return true;
}

/* What goes before each sentence, and which port it is about. */
struct about {
	char where[INTENT_WHERE_BYTES];
	const struct port_intent *port;
	struct vlan_device vlan;
};

static int
no_parent(const struct intent *it, const struct about *a, struct err *err)
{
	const char *names[INTENT_MAX_PORTS], *near;
	size_t n = 0;
	for (size_t i = 0; i < it->n_ports; i++) {
		if (it->ports[i] != a->port)
			names[n++] = it->ports[i]->name;
	}
	near = nearest_name(a->vlan.parent, names, n, sizeof(names[0]));
	if (near)
		return err_set(err, -EINVAL,
			"%s: port %s is a VLAN of port %s, which there is not; did you mean "
			"%s.%u?",
			a->where, a->port->name, a->vlan.parent, near, a->vlan.id);
	return err_set(err, -EINVAL,
		"%s: port %s is a VLAN of port %s, which there is not: add [Port %s] with the NIC "
		"as its Device",
		a->where, a->port->name, a->vlan.parent, a->vlan.parent);
}

static int
check_parent(const struct about *a, const struct port_intent *parent, struct err *err)
{
	struct vlan_device outer;
	const struct port_intent *p = a->port;
	if (vlan_device_parse(parent->device, &outer))
		return err_set(err, -EINVAL,
			"%s: port %s is a VLAN of port %s, which is a VLAN itself: a tag within a "
			"tag is not forwarded; name port %s",
			a->where, p->name, parent->name, outer.parent);
	if (p->n_queues)
		return err_set(err, -EINVAL,
			"%s: port %s is a VLAN of port %s and has that one's queues: take Queues "
			"out",
			a->where, p->name, parent->name);
	if (p->mtu && parent->mtu && p->mtu > parent->mtu)
		return err_set(err, -EINVAL,
			"%s: port %s has MTU %u, more than the %u of port %s, whose VLAN it is",
			a->where, p->name, p->mtu, parent->mtu, parent->name);
	return 0;
}

int
vlan_check(const struct intent *it, size_t index, struct err *err)
{
	struct about a = {.port = it->ports[index]};
	char other[INTENT_WHERE_BYTES];
	if (!vlan_device_parse(a.port->device, &a.vlan))
		return 0;
	intent_where(it, a.port->origin, a.where);
	if (!a.vlan.id)
		return err_set(err, -EINVAL, "%s: port %s has Device = %s: a VLAN id is %d to %d",
			a.where, a.port->name, a.port->device, VLAN_ID_MIN, VLAN_ID_MAX);
	const struct port_intent *parent = intent_port_find(it, a.vlan.parent);
	if (!parent || parent == a.port)
		return no_parent(it, &a, err);
	for (size_t i = 0; i < index; i++) {
		struct vlan_device v;
		if (vlan_device_parse(it->ports[i]->device, &v) && v.id == a.vlan.id &&
			strcmp(v.parent, a.vlan.parent) == 0)
			return err_set(err, -EINVAL,
				"%s: port %s is VLAN %u of port %s, as port %s is already (%s)",
				a.where, a.port->name, v.id, v.parent, it->ports[i]->name,
				intent_where(it, it->ports[i]->origin, other));
	}
	return check_parent(&a, parent, err);
}
